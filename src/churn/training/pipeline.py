"""The training road: valid data in, a measured model and everything worth recording about it out."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from churn.contract.declaration import Contract
from churn.explain.trained import TrainedModel
from churn.files import encode_json
from churn.model.reference import find_reference_values, measure_reference
from churn.training import plots
from churn.training.calibration import Calibration, calibrate
from churn.training.candidates import Candidate, Progress, choose_candidate, compare_candidates
from churn.training.comparison import Comparison, Difference
from churn.training.curve import CURVE_FILE, Reach, measure_curve
from churn.training.data import TrainingData
from churn.training.directions import Price, is_price_sure, price_directions, price_each_direction
from churn.training.evaluation import Evaluation, compute_contributions, compute_shares, evaluate, rank_features
from churn.training.folds import SEED
from churn.training.holdout import Boundary, Mask
from churn.training.kept import AS_OF, HORIZON, INTERCEPT, REFERENCE_FILE, REFERENCE_VALUES_FILE, SLOPE, HoldoutRows
from churn.training.measured import MEASURED_FILE, Measured, find_unseen, list_others
from churn.training.methods.catalogue import SERVABLE, find_method
from churn.training.methods.method import Recipe, ServableMethod
from churn.training.plain import find_plain_params
from churn.training.protected import price_protected
from churn.training.registry import EXPORT_FOLDER
from churn.training.subscribers import SUBSCRIBERS_FILE, hash_subscribers
from churn.training.synthetic import compute_best_possible_auc
from churn.training.tuned import UNTUNED, Tuned, load_tuned
from churn.training.versions import RunRecord, VersionInfo

type Say = Callable[[str], None]
NO_OTHERS: Mapping[int, Comparison] = {}


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A fitted model and what was measured on the way.

    Args:
        tuned: the parameters that lie beside the contract, which may be another method's.
        is_tuned: whether the model was fitted with them.
        method: the candidate that was fitted.
        chosen: the one that the comparison chooses, which is another only where somebody forced the method.
        freed: what freeing a single direction gains; only where the directions together surely cost something.
        reach: whom the banner reaches above the contract's threshold, on the holdout.
        best_possible_auc: that of the process itself on the holdout, where the data is demo data.
        strengths: mean |SHAP| by feature on the holdout, largest first.
    """

    contract: type[Contract]
    model_version: str
    data: TrainingData
    model: TrainedModel
    params: Mapping[str, int | float]
    tuned: Tuned
    is_tuned: bool
    candidates: tuple[Candidate, ...]
    method: Candidate
    chosen: Candidate
    freed: tuple[Price, ...]
    evaluation: Evaluation
    reach: Reach
    best_possible_auc: float | None
    strengths: Mapping[str, float]
    holdout: npt.NDArray[np.intp]
    boundary: Boundary
    calibration: Calibration
    protected_costs: Mapping[str, Difference]

    def holdout_rows(self) -> HoldoutRows:
        """Return the rows of the holdout with their labels."""
        return HoldoutRows(self.data.rows[self.holdout], self.data.labels[self.holdout])

    def find_unseen(self, info: VersionInfo) -> Mask | None:
        """Tell on which rows of the holdout another version was not trained; None if nobody knows."""
        unseen = find_unseen(info, self.data)
        return None if unseen is None else unseen[self.holdout]


def train_model(
    contract: type[Contract],
    data: TrainingData,
    model_version: str,
    *,
    demo_version: str | None = None,
    forced: ServableMethod | None = None,
    say: Say = lambda _: None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Compare the candidates, fit the chosen one with the committed parameters, and measure it once on the holdout.

    With `demo_version`, which demo data this is, the best possible AUC is known. `forced` is fitted whatever the
    comparison says. `say` is told what is being done, `progress` how far the comparison is.
    """
    tuned = load_tuned(contract)
    train, holdout, boundary = data.split(contract)
    say("comparing a baseline and four tree methods by cross-validation")
    groups = data.group().numbers[train]
    candidates = compare_candidates(contract, data.rows[train], data.labels[train], SEED, progress, groups=groups)
    chosen = choose_candidate(candidates, contract.negligible_auc_loss, find_method(tuned.method))
    method = next(one for one in candidates if one.name == forced.name) if forced else chosen
    freed: tuple[Price, ...] = ()
    if any(is_price_sure(price, contract.negligible_auc_loss) for price in price_directions([method])):
        say("the directions cost something: freeing one at a time")
        freed = price_each_direction(
            contract, data.rows[train], data.labels[train], seed=SEED, method=method, progress=progress, groups=groups
        )
    fitted = SERVABLE[method.name]
    params, is_tuned = tuned.params, tuned != UNTUNED and tuned.method == method.name
    if not is_tuned:
        say(f"nobody has tuned {method.name} here: finding size and number of trees by the folds")
        params = find_plain_params(
            contract,
            data.rows[train],
            data.labels[train],
            seed=SEED,
            method=fitted,
            groups=groups,
            progress=progress,
        )
    recipe = Recipe(fitted, params, SEED)
    say(f"fitting {method.name} with the {'tuned' if is_tuned else 'plain'} parameters")
    model = recipe.fit(contract, data.rows[train], data.labels[train])
    say("checking the calibration out of fold")
    model, calibration = calibrate(contract, model, data.rows[train], data.labels[train], recipe, groups=groups)
    say(calibration.describe())
    say("measuring on the holdout")
    probabilities = model.predict(data.rows[holdout])
    strengths = rank_features(contract, model, data.rows[holdout])
    costs = price_protected(
        contract,
        model,
        data.rows,
        data.labels,
        train=train,
        holdout=holdout,
        recipe=recipe,
        strengths=strengths,
    )
    best = None
    if demo_version is not None:
        held_out = {name: column[holdout] for name, column in data.columns.items()}
        best = compute_best_possible_auc(contract, demo_version, held_out, data.labels[holdout])
    return TrainingResult(
        contract=contract,
        model_version=model_version,
        data=data,
        model=model,
        params=params,
        tuned=tuned,
        is_tuned=is_tuned,
        candidates=candidates,
        method=method,
        chosen=chosen,
        freed=freed,
        evaluation=evaluate(data.labels[holdout], probabilities, SEED),
        reach=measure_curve(data.labels[holdout], probabilities).measure(contract.threshold),
        best_possible_auc=best,
        strengths=strengths,
        holdout=holdout,
        boundary=boundary,
        calibration=calibration,
        protected_costs=costs,
    )


def build_run_record(
    trained: TrainingResult, *, others: Mapping[int, Comparison] = NO_OTHERS, salt: str | None = None
) -> RunRecord:
    """Collect what the training run leaves in MLflow: parameters, metrics, tags, figures, tables, environment.

    Of the people in the file it leaves aggregates, and keyed hashes if there is a salt. It leaves no row.

    Args:
        others: how earlier versions compare on the holdout, by number.
        salt: of the keyed hashes.
    """
    contract, data, evaluation = trained.contract, trained.data, trained.evaluation
    rows = data.rows[trained.holdout]
    probabilities = trained.model.predict(rows)
    contributions = compute_contributions(trained.model, rows)
    shares = compute_shares(trained.strengths)
    figures: dict[str, Figure] = {
        "calibration": plots.plot_calibration(evaluation),
        "confusion": plots.plot_confusion(evaluation),
        "shap_bar": plots.plot_feature_strengths(trained.contract, trained.strengths),
        "shap_summary": plots.plot_contributions(contract, contributions, rows),
        "candidates": plots.plot_candidates(trained.candidates),
    }
    metrics = {
        "test_auc": evaluation.auc,
        "test_auc_low": evaluation.auc_low,
        "test_auc_high": evaluation.auc_high,
        "test_f1": evaluation.f1,
        "test_log_loss": evaluation.log_loss,
        "test_brier": evaluation.brier,
        "test_calibration_error": evaluation.expected_calibration_error,
        "test_base_rate": evaluation.base_rate,
        "out_of_fold_calibration_error": trained.calibration.error,
    }
    reach = trained.reach
    metrics |= {"test_banner_share": reach.share, "test_banner_recall": reach.recall or 0.0}
    if reach.precision is not None:
        metrics["test_banner_precision"] = reach.precision
    for price in price_directions([trained.method]):
        metrics["directions_cost_auc"] = price.auc.mean
        metrics["directions_cost_average_precision"] = price.average_precision.mean
    if trained.best_possible_auc is not None:
        metrics["best_possible_auc"] = trained.best_possible_auc
    return RunRecord(
        params={
            "method": trained.method.name,
            **trained.params,
            "rows": len(data.labels),
            "holdout_rows": evaluation.rows,
        },
        metrics=metrics,
        tags={
            "model_version": trained.model_version,
            "contract": contract.contract_name,
            "contract_fingerprint": contract.fingerprint,
            "training_date": datetime.now(UTC).date().isoformat(),
            "training_data_version": data.version,
            "training_data_sha256": data.sha256,
            **trained.boundary.build_tags(),
            **_tag_calibration(trained.calibration),
            **({HORIZON: str(contract.horizon_days)} if contract.horizon_days else {}),
            **({AS_OF: data.as_of} if data.as_of else {}),
        },
        files=plots.render_figures(figures)
        | {
            "evaluation.json": encode_json(asdict(evaluation)),
            "candidates.json": encode_json([asdict(candidate) for candidate in trained.candidates]),
            "directions.json": encode_json(
                {
                    "methods": [asdict(price) for price in price_directions(trained.candidates)],
                    "freed": [asdict(price) for price in trained.freed],
                }
            ),
            "mean_abs_shap.json": encode_json({"mean": dict(trained.strengths), "share": shares}),
            "environment.txt": _list_environment(),
            f"{EXPORT_FOLDER}/{REFERENCE_FILE}": encode_json(measure_reference(contract, rows, probabilities)),
            f"{EXPORT_FOLDER}/{REFERENCE_VALUES_FILE}": encode_json(
                find_reference_values(contract, rows, contributions.astype(np.float32))
            ),
            f"{EXPORT_FOLDER}/{CURVE_FILE}": measure_curve(data.labels[trained.holdout], probabilities).encode(),
            f"{EXPORT_FOLDER}/{MEASURED_FILE}": Measured(
                evaluation, shares, list_others(others), others, trained.protected_costs
            ).encode(),
        }
        | ({SUBSCRIBERS_FILE: hash_subscribers(data.ids, salt)} if salt and data.ids else {}),
    )


def _tag_calibration(calibration: Calibration) -> dict[str, str]:
    if not calibration.is_applied:
        return {}
    return {SLOPE: repr(calibration.slope), INTERCEPT: repr(calibration.intercept)}


def _list_environment() -> bytes:
    """List the installed distributions, one `name==version` a line."""
    names = {f"{dist.metadata['Name']}=={dist.version}" for dist in distributions()}
    return ("\n".join(sorted(names, key=str.lower)) + "\n").encode()
