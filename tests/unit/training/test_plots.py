"""Figures show what they were given and draw without a screen."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from churn.businesses import find_contract, list_contracts
from churn.contract.sampling import draw_columns
from churn.training.candidates import Candidate
from churn.training.evaluation import evaluate
from churn.training.plots import (
    plot_calibration,
    plot_candidates,
    plot_confusion,
    plot_contributions,
    plot_feature_strengths,
)


def drawn(figure: Figure) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=40, metadata={"Software": None})
    return image.getvalue()


def words(figure: Figure) -> str:
    figure.draw_without_rendering()  # only then do axes know their labels
    return " ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def test_calibration_and_confusion_tell_their_figures() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random(500)
    evaluation = evaluate((generator.random(500) < truth).astype(np.int8), truth, 0)
    calibration, confusion = plot_calibration(evaluation), plot_confusion(evaluation)
    assert f"{evaluation.brier:.4f}" in words(calibration)
    assert f"{evaluation.confusion.true_positive:,}" in words(confusion)
    assert drawn(calibration)
    assert drawn(confusion)


def test_candidates_are_named_with_their_auc() -> None:
    figure = plot_candidates([Candidate("a method", 0.8765, 0.01, 1.5, (0.87, 0.88), (0.5, 0.6))])
    assert drawn(figure)
    assert "a method" in words(figure)
    assert "0.8765" in words(figure)


@pytest.mark.parametrize("name", list_contracts())
def test_shap_figures_name_every_feature_and_leave_chance_as_it_was(name: str) -> None:
    contract = find_contract(name)
    generator = np.random.default_rng(0)
    rows = contract.encode_columns(draw_columns(contract, generator, 200))
    contributions = generator.normal(size=rows.shape)
    before = np.random.get_state()[1]  # noqa: NPY002 - the state that must stay
    bar = plot_feature_strengths(contract, dict.fromkeys(contract.feature_names(), 0.5))
    summary = plot_contributions(contract, contributions, rows)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.random.random()  # noqa: NPY002 - what chance others have had makes no difference
    assert drawn(summary) == drawn(plot_contributions(contract, contributions, rows))
    for label in contract.labels().values():
        assert label in words(bar)
        assert label in words(summary)
