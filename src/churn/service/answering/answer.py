"""What is answered about a subscriber, alone or as one of many."""

from collections.abc import Sequence

from churn.answers import PredictionAnswer
from churn.contract.declaration import Contract
from churn.model.model import ChurnModel, Prediction, tier_from_probability
from churn.retention.reasons import rank_reasons


def build_answer(
    model: ChurnModel, subscriber: Contract, prediction: Prediction, *, threshold: float, reasons: int
) -> PredictionAnswer:
    """Word a prediction with so many reasons. The banner is shown above the threshold.

    Raises:
        ArithmeticError: the prediction is no probability.
    """
    if not 0 <= prediction.probability <= 1:
        raise ArithmeticError(f"the model's probability is {prediction.probability}")
    answer: PredictionAnswer = {
        "churn_probability": prediction.probability,
        "risk_tier": tier_from_probability(prediction.probability, model.contract.tiers),
        "top_reasons": rank_reasons(subscriber, prediction, reasons),
        "model_version": model.version,
        "show_retention_banner": prediction.probability > threshold,
    }
    if model.contract.horizon_days:
        answer["horizon_days"] = model.contract.horizon_days
    return answer


def predict_and_answer(
    model: ChurnModel, subscribers: Sequence[Contract], *, threshold: float, reasons: int
) -> list[PredictionAnswer]:
    """Predict all of at least one subscriber at once, and word each prediction."""
    return [
        build_answer(model, subscriber, prediction, threshold=threshold, reasons=reasons)
        for subscriber, prediction in zip(subscribers, model.predict(subscribers), strict=True)
    ]
