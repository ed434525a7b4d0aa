"""Answer a whole table at a time, with the numbers, order and sentences of `POST /predict`.

The scalar functions in `model/model.py` and `retention/reasons.py` define the answer; this module does the same with
arrays. They decide where a number lies so near to a rounding tie that another order of addition could tip it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn.answers import DECIMALS
from churn.contract.features import FeatureSpec
from churn.model.model import ChurnModel, probability_from_contributions
from churn.reading.blocks import Floats
from churn.retention.reasons import direction_from_contribution, write_sentence

SIGNS = (-1.0, 0.0, 1.0)  # direction and sentence depend only on the sign of the shown contribution
SCALE = 10.0**DECIMALS
NEAR = 1e-6  # of a last shown digit; another order of addition moves a probability less than a thousandth of this
LARGE = 1e4  # in log-odds: sums and products of larger numbers may err by more than NEAR
ROWS_AT_ONCE = 8192  # for the explainer, so that its arrays stay in the processor's cache

REASON = pa.struct(
    [
        ("feature", pa.string()),
        ("value", pa.float64()),
        ("shap_contribution", pa.float64()),
        ("direction", pa.string()),
        ("plain_language", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to n rows."""

    probability: Floats  # as shown
    tier: npt.NDArray[np.int64]  # places in `TIERS`
    banner: npt.NDArray[np.bool_]
    reasons: pa.Array  # of lists with items of `REASON`; texts are dictionaries


def answer_rows(model: ChurnModel, values: Floats, *, threshold: float, reasons: int) -> Answers:
    """Answer valid subscribers from `values`: float64 (n, features), not yet rounded to float32."""
    rows = values.astype(np.float32)
    pieces = [model.explain(rows[at : at + ROWS_AT_ONCE]) for at in range(0, len(rows), ROWS_AT_ONCE)]
    explained = np.concatenate([np.empty((0, values.shape[1] + 1)), *pieces], dtype=np.float64)
    probability = round_probabilities(explained)
    return Answers(
        probability=probability,
        tier=np.searchsorted(model.contract.tiers, probability, side="right"),
        banner=probability > threshold,
        reasons=build_reason_lists(model.contract.features, values, explained[:, :-1], reasons),
    )


def round_probabilities(explained: Floats) -> Floats:
    """Apply `probability_from_contributions` to each row of (n, features + 1) numbers."""
    margin = explained.sum(axis=1)
    small = np.exp(-np.abs(margin))  # never overflows
    scaled = np.where(margin >= 0, 1.0, small) / (1 + small) * SCALE
    shown: Floats = np.rint(scaled) / SCALE
    doubtful = _is_near_tie(scaled) | ~(np.abs(explained).sum(axis=1) < LARGE)
    for at in np.flatnonzero(doubtful):
        shown[at] = probability_from_contributions(explained[at].tolist())
    return shown


def round_like_python(numbers: Floats) -> Floats:
    """Apply `round(number, DECIMALS) + 0.0` to each number of an array of any shape."""
    scaled = numbers * SCALE
    shown: Floats = np.rint(scaled) / SCALE + 0.0
    doubtful = _is_near_tie(scaled) | ~(np.abs(numbers) < LARGE)
    shown[doubtful] = [round(number, DECIMALS) + 0.0 for number in numbers[doubtful].tolist()]
    return shown


def _is_near_tie(scaled: Floats) -> npt.NDArray[np.bool_]:
    return ~(np.abs(scaled - np.floor(scaled) - 0.5) > NEAR)


def build_reason_lists(
    features: tuple[FeatureSpec, ...], values: Floats, contributions: Floats, count: int
) -> pa.Array:
    """Rank `count` reasons for each row by absolute contribution. Equal ones keep the contract's order.

    `values` and `contributions` (in log-odds) are (n, features). Return a list array like `Answers.reasons`.
    """
    ranked = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :count]
    feature = ranked.ravel()
    value = np.take_along_axis(values, ranked, axis=1).ravel()
    shown = round_like_python(np.take_along_axis(contributions, ranked, axis=1).ravel())
    sign = np.searchsorted(SIGNS, np.sign(shown))
    columns = [
        texts_from_codes(feature, [spec.name for spec in features]),
        pa.array(value, mask=np.isnan(value)),
        pa.array(shown),
        texts_from_codes(sign, [direction_from_contribution(shown) for shown in SIGNS]),
        _sentences(features, feature, value, sign),
    ]
    structs = pa.StructArray.from_arrays(columns, names=REASON.names)
    offsets = np.arange(0, len(feature) + 1, ranked.shape[1]) if ranked.shape[1] else np.zeros(len(values) + 1)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), structs)


def texts_from_codes(codes: npt.NDArray[Any], texts: Sequence[str]) -> pa.DictionaryArray:
    """Return the texts at these places, in an array that holds each text once.

    A text held twice would be valid, but its Parquet files differ from one writing to the next.
    """
    places = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    distinct = np.array([places[text] for text in texts], dtype=np.int32)[codes.astype(np.int32)]
    return pa.DictionaryArray.from_arrays(pa.array(distinct), pa.array(list(places), pa.string()))


def _sentences(
    features: tuple[FeatureSpec, ...], feature: npt.NDArray[np.int64], value: Floats, sign: npt.NDArray[np.int64]
) -> pa.DictionaryArray:
    """Write one sentence for each distinct feature, value and sign: far fewer than reasons."""
    sentences: list[str] = []
    codes = np.empty(len(feature), dtype=np.int64)
    for at, spec in enumerate(features):
        chosen = np.flatnonzero(feature == at)
        distinct = pa.array(value[chosen]).dictionary_encode()
        pair = pa.array(distinct.indices.to_numpy() * np.int64(len(SIGNS)) + sign[chosen]).dictionary_encode()
        codes[chosen] = pair.indices.to_numpy() + len(sentences)
        phrases = [spec.word_for_team(spec.decode(number)) for number in distinct.dictionary.to_pylist()]
        places = (divmod(code, len(SIGNS)) for code in pair.dictionary.to_pylist())
        sentences += [write_sentence(phrases[phrase_at], SIGNS[sign_at]) for phrase_at, sign_at in places]
    return texts_from_codes(codes, sentences)
