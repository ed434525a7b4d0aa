"""Why an offer is for one subscriber: what makes it help them more, by the uplift's contributions, each verified."""

from churn.answers import OfferReason
from churn.contract.declaration import Contract
from churn.contract.language import ENGLISH, Language
from churn.contract.messages import OFFER_IS_FOR_YOU
from churn.model.model import ChurnModel, Prediction
from churn.model.pairs import STEPS
from churn.retention.verifying import LATEST, RULES, Rule, move_values

MOST_SHOWN = len(OFFER_IS_FOR_YOU)


def explain_offer(
    model: ChurnModel,
    subscriber: Contract,
    prediction: Prediction,
    code: str,
    language: Language = ENGLISH,
    *,
    rule: Rule = RULES[LATEST],
) -> list[OfferReason]:
    """Say in two sentences at most why an offer, by its code, is for a subscriber.

    A reason raises the adjustment, is not protected and written for subscribers. Without its concept, moved to the
    reference, the adjustment must fall as far as `rule` says. Stronger ones come first, one of each group. What is not
    translated is not said.
    """
    reference, uplift = model.reference, model.uplift
    if reference is None or uplift is None or language.lacks.intersection(OFFER_IS_FOR_YOU):
        return []
    points, contributions = uplift.find_adjustment(prediction.values, code)
    ranked = sorted(range(len(contributions)), key=lambda at: -contributions[at])
    chosen: dict[str, OfferReason] = {}
    for at in ranked:
        spec = subscriber.features[at]
        if contributions[at] <= 0 or len(chosen) == MOST_SHOWN:
            break
        value = getattr(subscriber, spec.name)
        text = "" if spec.marker.protected or spec.group in chosen else spec.word_for_offer(value, language)
        if text:
            places = model.contract.together[at] if rule.moves_concept else (at,)
            without = uplift.find_adjustment(move_values(prediction.values, reference, places), code)
            if round((points - without.points) * STEPS) >= rule.least_adjustment_fall:
                sentence = language.translate(OFFER_IS_FOR_YOU[len(chosen)]).replace("{reason}", text)
                chosen[spec.group] = {"code": spec.code_from_value(value), "text": sentence}
    return [*chosen.values()]
