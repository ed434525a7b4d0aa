"""Retraining where the truth is known: what a challenger errs by, beside the champion and other ways to train it.

Subscribers come from the contract's demo process, so it is known with which probability each leaves without contact.
Above the champion's threshold a tenth is held out; the others see a banner, which keeps some and drives a few away.
None of the product's code draws them or knows the truth. Run it with `python -m benchmarks.retraining --help`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from churn.businesses import find_contract
from churn.outcomes.exposures import Exposures
from churn.retraining.challenger import choose_weighting
from churn.retraining.mixture import mix_rows
from churn.retraining.untreated import find_untreated
from churn.training.data import TrainingData
from churn.training.folds import SEED
from churn.training.methods.catalogue import find_method
from churn.training.methods.method import Recipe
from churn.training.tuned import load_tuned

CONTRACT = find_contract("streamflow")
PROCESS: Any = CONTRACT.demo
HELD_OUT, HARMED = 0.1, 0.14
TELL = "what they tell"
DRIFTS: Mapping[str, Mapping[str, float]] = {
    "as before": {},
    "dearer and more sensitive": {"price_rise": 8.0, "price_sensitivity": 1.6},
}

type Numbers = npt.NDArray[np.float64]
type Fit = Callable[[Numbers, Numbers, Numbers], Callable[[Numbers], Numbers]]


@dataclass(frozen=True)
class People:
    """Subscribers, encoded (n, features), and the probability with which each leaves without contact, (n,)."""

    columns: Mapping[str, npt.NDArray[Any]]
    rows: npt.NDArray[np.float32]
    truth: Numbers


def draw_people(generator: np.random.Generator, count: int, shift: Mapping[str, float]) -> People:
    """Draw subscribers by the demo process."""
    columns = PROCESS.draw(generator, count, shift)
    truth = 1 / (1 + np.exp(-PROCESS.log_odds(columns, shift)))
    return People(columns, CONTRACT.encode_columns(columns), truth)


def log_people(generator: np.random.Generator, people: People, probability: Numbers, threshold: float) -> Exposures:
    """Play a log: lots, banners, and who leaves."""
    count, above = len(probability), probability > threshold
    held = generator.random(count) < HELD_OUT
    treated = above & ~held
    kept = np.where(
        generator.random(count) < HARMED, -generator.uniform(0.2, 0.6, count), 1.2 * generator.beta(2, 3, count)
    )
    odds = np.log(people.truth / (1 - people.truth)) - kept * treated
    chance = np.where(above, HELD_OUT, 1.0)
    nobody_knows = np.full(count, np.nan)
    return Exposures(
        actions=("nothing", "banner alone"),
        feature_names=tuple(CONTRACT.feature_names()),
        time=np.arange(count, dtype=np.int64),
        identity=np.array([f"{number:032x}" for number in range(count)], dtype=object),
        experiment=np.full(count, "trial", dtype=object),
        model_version=np.full(count, "v1", dtype=object),
        policy_sha256=np.full(count, None, dtype=object),
        features=people.rows.astype(np.float64),
        probability=probability,
        threshold=np.full(count, threshold),
        holdout_share=np.full(count, HELD_OUT),
        held_out=held,
        propensities=np.stack([chance, 1 - chance], axis=1),
        taken=treated.astype(np.int64),
        reasons=[()] * count,
        left=generator.random(count) < 1 / (1 + np.exp(-odds)),
        accepted=nobody_knows,
        paid=nobody_knows,
        days_until_left=nobody_knows,
    )


def play_world(seed: int, *, old: int, logged: int, fresh: int, drift: str) -> Iterator[dict[str, Any]]:
    """Train a champion and each kind of challenger, and yield how far each is from the truth on fresh subscribers."""
    generator, shift = np.random.default_rng(seed), DRIFTS[drift]
    people = draw_people(generator, old, {})
    labels = (generator.random(old) < people.truth).astype(np.int8)
    data = TrainingData(
        version="old",
        sha256="0" * 64,
        columns=people.columns,
        rows=people.rows,
        labels=labels,
        ids=tuple(f"old-{number}" for number in range(old)),
    )
    tuned = load_tuned(CONTRACT)
    recipe = Recipe(find_method(tuned.method), tuned.params, SEED)
    train = data.split(CONTRACT).train
    champion = recipe.fit(CONTRACT, people.rows[train], labels[train])
    visitors = draw_people(generator, logged, shift)
    probability = np.asarray(champion.predict(visitors.rows), dtype=np.float64)
    exposures = log_people(generator, visitors, probability, CONTRACT.threshold)
    untreated = find_untreated(exposures)
    mixture = mix_rows(CONTRACT, data, untreated)
    seen = ~mixture.is_held_out
    rows, left = mixture.rows[seen], mixture.labels[seen]
    weights, is_logged = mixture.weights[seen], mixture.is_logged[seen]
    stands_for = mixture.stands_for[seen]
    as_they_are = np.concatenate([people.rows[train], visitors.rows])
    left_as_they_are = np.concatenate([labels[train], exposures.left.astype(np.int8)])
    told, stood = (recipe.fit(CONTRACT, rows, left, given) for given in (weights, stands_for))
    challengers = {
        "champion": champion,
        "old rows and untreated, by folds": told if choose_weighting(CONTRACT, mixture, recipe) == TELL else stood,
        "same, by what they tell": told,
        "same, by whom they stand for": stood,
        "old rows and treated as they are": recipe.fit(CONTRACT, as_they_are, left_as_they_are),
        "log alone, untreated, weighted": recipe.fit(CONTRACT, rows[is_logged], left[is_logged], weights[is_logged]),
        "log alone, treated as they are": recipe.fit(CONTRACT, visitors.rows, exposures.left.astype(np.int8)),
    }
    unseen = draw_people(generator, fresh, shift)
    above = unseen.truth > CONTRACT.threshold
    drawn = generator.random(fresh) < unseen.truth
    for name, model in challengers.items():
        said = np.asarray(model.predict(unseen.rows), dtype=np.float64)
        error = 100 * (said - unseen.truth)
        yield {
            "seed": seed,
            "drift": drift,
            "logged": logged,
            "challenger": name,
            "mean_error_above": float(error[above].mean()),
            "rmse_above": float(np.sqrt((error[above] ** 2).mean())),
            "rmse": float(np.sqrt((error**2).mean())),
            "auc": _measure_auc(drawn, said),
            "above": float((said > CONTRACT.threshold).mean()),
        }


def _measure_auc(left: npt.NDArray[np.bool_], said: Numbers) -> float:
    return float(roc_auc_score(left, said))


def summarise(played: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Average over worlds, with the standard error of each mean error."""
    kinds = dict.fromkeys((one["drift"], one["logged"], one["challenger"]) for one in played)
    figures = ("mean_error_above", "rmse_above", "rmse", "auc", "above")
    summary = []
    for kind in kinds:
        own = [one for one in played if (one["drift"], one["logged"], one["challenger"]) == kind]
        means = {name: float(np.mean([one[name] for one in own])) for name in figures}
        summary.append(dict(zip(("drift", "logged", "challenger"), kind, strict=True)) | means | {"worlds": len(own)})
    return summary


def main() -> None:
    """Play worlds, and print a line for each kind of challenger."""
    parser = argparse.ArgumentParser(description="Retrain where the truth is known.")
    parser.add_argument("--worlds", type=int, default=4)
    parser.add_argument("--old", type=int, default=80_000)
    parser.add_argument("--logged", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--fresh", type=int, default=60_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    played: list[dict[str, Any]] = []
    for drift in DRIFTS:
        for logged in given.logged:
            for seed in range(given.worlds):
                played += play_world(seed, old=given.old, logged=logged, fresh=given.fresh, drift=drift)
                sys.stderr.write(f"{drift}, {logged:,} logged, world {seed + 1} of {given.worlds}\n")
    summary = summarise(played)
    if given.json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
        return
    for one in summary:
        sys.stdout.write(
            f"{one['drift']:<26} {one['logged']:>7,}  {one['challenger']:<33} mean error above the threshold "
            f"{one['mean_error_above']:+5.1f} points, rmse {one['rmse_above']:4.1f} above, {one['rmse']:4.1f} overall, "
            f"AUC {one['auc']:.4f}, banners {one['above']:.3f}\n"
        )


if __name__ == "__main__":
    main()
