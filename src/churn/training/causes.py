"""Why a model says something else than its owner says that it says: other codes, another order, another label."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Contract, Rows
from churn.contract.features import FeatureSpec
from churn.explain.trained import TrainedModel
from churn.training.registered import RegisteredModel

SEARCHED_ROWS = 500
MOST_STEPS = 12
MOST_PERMUTED = 4  # so many categories have 24 orders; of more only some are tried
WORTH_A_STEP, WORTH_TELLING = 0.98, 0.5  # what is left of the mean difference
UNKNOWN = (
    "none was found. Other codes, another order of columns, a turned label, and trees after the best iteration were "
    "tried; a calibration or another unit is left"
)

type Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Guess:
    """One way in which the owner's numbers may differ from the contract's.

    Args:
        order: for each of the model's columns, the contract's column whose number stands there.
        codes: a contract's column -> the owner's code for each of the contract's.
        missing: a number that stands for a missing value.
        is_turned: whether 1 means stayed.
        trees: which trees are taken, if not those that the model predicts with.
    """

    order: tuple[int, ...]
    codes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    missing: float | None = None
    is_turned: bool = False
    trees: str | None = None

    def change(self, rows: Rows) -> Rows:
        """Return the rows as the owner would have them."""
        changed = rows.copy()
        for column, codes in self.codes.items():
            known = np.isin(rows[:, column], np.arange(len(codes)))
            changed[known, column] = np.array(codes, dtype=np.float32)[rows[known, column].astype(np.intp)]
        if self.missing is not None:
            changed[changed == self.missing] = np.nan
        return changed[:, self.order]

    def describe(self, contract: type[Contract]) -> str:
        """Say it in words."""
        specs = contract.features
        phrases = [
            f"{specs[column].name} is coded {_word_codes(specs[column], codes)}"
            for column, codes in sorted(self.codes.items())
            if codes != tuple(range(len(codes)))
        ]
        if self.order != tuple(range(len(specs))):
            phrases.append(f"its columns stand in the order {', '.join(specs[at].name for at in self.order)}")
        if self.missing is not None:
            phrases.append(f"it takes {self.missing:g} for a missing value")
        if self.is_turned:
            phrases.append(f"its label is turned round, 1 means {contract.label_column} {contract.label_values[0]}")
        if self.trees is not None:
            phrases.append(self.trees)
        return "; ".join(phrases)


def find_cause(
    contract: type[Contract], registered: RegisteredModel, rows: Rows, expected: Probabilities, tolerance: float
) -> str:
    """Find what best explains the expected probabilities, and return it in words.

    First each kind of guess is tried by itself, then all together, always the best next one.
    """
    models: dict[str | None, TrainedModel] = dict([(None, registered.trained), *registered.others.items()])

    def ask(guess: Guess, asked: Rows) -> Probabilities:
        said = models[guess.trees].predict(guess.change(asked))
        return 1 - said if guess.is_turned else said

    sample = slice(None, None, -(-len(rows) // SEARCHED_ROWS))

    def measure(guess: Guess) -> float:
        return float(np.abs(ask(guess, rows[sample]) - expected[sample]).mean())

    start = Guess(tuple(range(len(contract.features))))
    kinds: list[Callable[[Guess], Iterator[Guess]]] = [
        lambda guess: _vary_meaning(guess, registered),
        lambda guess: _vary_codes(guess, contract),
        lambda guess: _vary_order(guess, contract, registered),
    ]
    kinds.append(lambda guess: itertools.chain.from_iterable(vary(guess) for vary in kinds[:3]))
    guesses = [_climb(start, vary, measure, tolerance) for vary in kinds]
    for guess in guesses:
        if (np.abs(ask(guess, rows) - expected) <= tolerance).all():
            return f"{guess.describe(contract)}. With that all {len(rows):,} rows agree"
    best = min(guesses, key=measure)
    if measure(best) > WORTH_TELLING * measure(start):
        return UNKNOWN
    share = float((np.abs(ask(best, rows) - expected) <= tolerance).mean())
    return f"{best.describe(contract)}. With that {share:.1%} of the rows agree, so there is more to it"


def _climb(
    start: Guess, vary: Callable[[Guess], Iterator[Guess]], measure: Callable[[Guess], float], tolerance: float
) -> Guess:
    best, left = start, measure(start)
    for _ in range(MOST_STEPS):
        candidates = [(measure(guess), guess) for guess in vary(best)]
        reached, guess = min(candidates, key=lambda pair: pair[0], default=(left, best))
        if reached > WORTH_A_STEP * left:
            break
        best, left = guess, reached
        if left <= tolerance / 10:
            break
    return best


def _vary_meaning(guess: Guess, registered: RegisteredModel) -> Iterator[Guess]:
    yield replace(guess, is_turned=not guess.is_turned)
    for trees in (None, *registered.others):
        yield replace(guess, trees=trees)
    yield from (replace(guess, missing=number) for number in (registered.missing, 0.0) if not np.isnan(number))


def _vary_codes(guess: Guess, contract: type[Contract]) -> Iterator[Guess]:
    coded = {at: spec for at, spec in enumerate(contract.features) if len(_list_labels(spec)) > 1}
    yield replace(guess, codes={at: _sort_labels(spec) for at, spec in coded.items()})
    for at, spec in coded.items():
        for codes in _list_codes(spec):
            yield replace(guess, codes={**guess.codes, at: codes})


def _vary_order(guess: Guess, contract: type[Contract], registered: RegisteredModel) -> Iterator[Guess]:
    names = contract.feature_names()
    for order in (registered.signature or (), sorted(names), names[::-1]):
        if set(order) == set(names):
            yield replace(guess, order=tuple(map(names.index, order)))
    for first, second in itertools.combinations(range(len(names)), 2):
        swapped = {first: guess.order[second], second: guess.order[first]}
        yield replace(guess, order=tuple(swapped.get(at, column) for at, column in enumerate(guess.order)))


def _list_labels(spec: FeatureSpec) -> tuple[str, ...]:
    return spec.categories or (("false", "true") if spec.kind == "boolean" else ())


def _word_codes(spec: FeatureSpec, codes: tuple[int, ...]) -> str:
    return ", ".join(f"{label} {code}" for label, code in zip(_list_labels(spec), codes, strict=True))


def _sort_labels(spec: FeatureSpec) -> tuple[int, ...]:
    """Return the code of each category where categories are numbered by the alphabet, as label encoders do."""
    labels = _list_labels(spec)
    return tuple(sorted(labels).index(label) for label in labels)


def _list_codes(spec: FeatureSpec) -> Iterator[tuple[int, ...]]:
    """List codes that an owner may have given: orders, each two exchanged, and counting from one."""
    ours = tuple(range(len(_list_labels(spec))))
    if len(ours) <= MOST_PERMUTED:
        yield from itertools.permutations(ours)
    else:
        yield from (ours[::-1], _sort_labels(spec))
        for first, second in itertools.combinations(ours, 2):
            yield tuple({first: second, second: first}.get(code, code) for code in ours)
    if spec.categories:
        yield tuple(code + 1 for code in ours)
