"""What `POST /predict` answers, for a whole table at a time: the same numbers, order and sentences.

The scalar functions in `model/model.py` and `retention/reasons.py` say what is right; this module does the same to
arrays. Some numbers lie so near to the middle between two roundings that adding in another order could tip them. There
the scalar functions decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn.answers import LOW_BELOW, MEDIUM_BELOW
from churn.contract.declaration import FeatureSpec
from churn.model.model import DECIMALS, ChurnModel, probability_from_contributions
from churn.reading.blocks import Floats
from churn.retention.reasons import direction_from_contribution, write_sentence

SIGNS = (-1.0, 0.0, 1.0)  # of a contribution as shown; direction and sentence depend on nothing else of it
SCALE = 10.0**DECIMALS
NEAR = 1e-6  # of a last shown digit; adding up in another order moves a probability by less than a thousandth of this
LARGE = 1e4  # in log-odds: sums and products of larger numbers may be off by more than that
ROWS_AT_ONCE = 8192  # what the explainer is given, so that its arrays stay in the processor's cache

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
    """Answers to n rows.

    Args:
        probability: float64 (n,), as shown.
        tier: int64 (n,), places in `TIERS`.
        banner: bool (n,).
        reasons: a list array of length n; its items have the fields of `REASON`, texts as dictionaries.
    """

    probability: Floats
    tier: npt.NDArray[np.int64]
    banner: npt.NDArray[np.bool_]
    reasons: pa.Array


def answer_rows(model: ChurnModel, values: Floats, *, threshold: float, reasons: int) -> Answers:
    """Answers rows of valid subscribers.

    Args:
        model: what predicts.
        values: float64 (n, features), encoded, not yet rounded to float32.
        threshold: the retention banner is shown above this probability.
        reasons: how many to give for each.
    """
    rows = values.astype(np.float32)
    pieces = [model.explain(rows[at : at + ROWS_AT_ONCE]) for at in range(0, len(rows), ROWS_AT_ONCE)]
    explained = np.concatenate([np.empty((0, values.shape[1] + 1)), *pieces], dtype=np.float64)
    probability = round_probabilities(explained)
    return Answers(
        probability=probability,
        tier=np.searchsorted([LOW_BELOW, MEDIUM_BELOW], probability, side="right"),
        banner=probability > threshold,
        reasons=build_reason_lists(model.contract.features, values, explained[:, :-1], reasons),
    )


def round_probabilities(explained: Floats) -> Floats:
    """`probability_from_contributions` of each row: float64 (n, features + 1) in, (n,) out."""
    margin = explained.sum(axis=1)
    small = np.exp(-np.abs(margin))  # never overflows
    scaled = np.where(margin >= 0, 1.0, small) / (1 + small) * SCALE
    shown: Floats = np.rint(scaled) / SCALE
    doubtful = _near_a_tie(scaled) | ~(np.abs(explained).sum(axis=1) < LARGE)
    for at in np.flatnonzero(doubtful):
        shown[at] = probability_from_contributions(explained[at].tolist())
    return shown


def round_like_python(numbers: Floats) -> Floats:
    """`round(number, DECIMALS) + 0.0` of each number of an array of any shape."""
    scaled = numbers * SCALE
    shown: Floats = np.rint(scaled) / SCALE + 0.0
    doubtful = _near_a_tie(scaled) | ~(np.abs(numbers) < LARGE)
    shown[doubtful] = [round(number, DECIMALS) + 0.0 for number in numbers[doubtful].tolist()]
    return shown


def _near_a_tie(scaled: Floats) -> npt.NDArray[np.bool_]:
    return ~(np.abs(scaled - np.floor(scaled) - 0.5) > NEAR)


def build_reason_lists(
    features: tuple[FeatureSpec, ...], values: Floats, contributions: Floats, count: int
) -> pa.Array:
    """The reasons with the largest absolute contribution, largest first; equal ones in the contract's order.

    Args:
        features: k of them.
        values: (n, k), encoded.
        contributions: (n, k), in log-odds.
        count: how many reasons to give for each row.

    Returns:
        A list array of length n; its items have the fields of `REASON`, texts as dictionaries.
    """
    ranked = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :count]
    feature = ranked.ravel()
    value = np.take_along_axis(values, ranked, axis=1).ravel()
    shown = round_like_python(np.take_along_axis(contributions, ranked, axis=1).ravel())
    sign = np.searchsorted(SIGNS, np.sign(shown))
    columns = [
        texts_from_codes(feature, [spec.name for spec in features]),
        pa.array(value),
        pa.array(shown),
        texts_from_codes(sign, [direction_from_contribution(shown) for shown in SIGNS]),
        _sentences(features, feature, value, sign),
    ]
    structs = pa.StructArray.from_arrays(columns, names=REASON.names)
    offsets = np.arange(0, len(feature) + 1, ranked.shape[1]) if ranked.shape[1] else np.zeros(len(values) + 1)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), structs)


def texts_from_codes(codes: npt.NDArray[Any], texts: Sequence[str]) -> pa.DictionaryArray:
    """Texts by their places in a list, as an array that holds each text once.

    Twice the same would be valid, but Parquet files of it differ from one writing to the next.
    """
    places = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    distinct = np.array([places[text] for text in texts], dtype=np.int32)[codes.astype(np.int32)]
    return pa.DictionaryArray.from_arrays(pa.array(distinct), pa.array(list(places), pa.string()))


def _sentences(
    features: tuple[FeatureSpec, ...], feature: npt.NDArray[np.int64], value: Floats, sign: npt.NDArray[np.int64]
) -> pa.DictionaryArray:
    """One sentence for each distinct feature, value and sign; values repeat, so there are far fewer than reasons."""
    sentences: list[str] = []
    codes = np.empty(len(feature), dtype=np.int64)
    for at, spec in enumerate(features):
        chosen = np.flatnonzero(feature == at)
        distinct = pa.array(value[chosen]).dictionary_encode()
        pair = pa.array(distinct.indices.to_numpy() * np.int64(len(SIGNS)) + sign[chosen]).dictionary_encode()
        codes[chosen] = pair.indices.to_numpy() + len(sentences)
        phrases = [spec.word_for_team(spec.decode(number)) for number in distinct.dictionary.to_pylist()]
        found = (divmod(code, len(SIGNS)) for code in pair.dictionary.to_pylist())
        sentences += [write_sentence(phrases[phrase], SIGNS[sign_at]) for phrase, sign_at in found]
    return texts_from_codes(codes, sentences)
