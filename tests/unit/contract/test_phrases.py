import pytest

from churn.businesses import find_contract
from churn.contract.language import find_language
from churn.contract.phrases import CountedNoun, write_dollars

TENURE = find_contract("streamflow").features[0]


@pytest.mark.parametrize(("months", "band"), [(0, "new"), (1, "short"), (23, "short"), (24, "middle"), (48, "long")])
def test_a_band_ends_just_below_its_bound(months: int, band: str) -> None:
    assert TENURE.find_band(months).name == band
    assert TENURE.code_from_value(months) == f"tenure.{band}"


def test_a_reason_is_worded_for_two_readers() -> None:
    assert TENURE.word_for_team(1) == "A short history of 1 month"
    assert (
        TENURE.word_for_subscriber(60, "decreases_risk")
        == "You have been with us for 60 months: thank you for your loyalty."
    )


def test_a_category_becomes_part_of_a_code() -> None:
    payment = next(spec for spec in find_contract("telco").features if spec.name == "PaymentMethod")
    assert payment.code_from_value("Bank transfer (automatic)") == "PaymentMethod.bank-transfer-automatic"


def test_money_is_worded_with_cents_and_thousands() -> None:
    assert [write_dollars(amount) for amount in (0.0, -0.0, 89.5, 1253)] == ["$0.00", "$0.00", "$89.50", "$1,253.00"]
    assert len(write_dollars(3.4e38)) < 12


def test_counts_and_money_follow_the_language() -> None:
    german = find_language("de")
    months = CountedNoun("month", "months")
    assert [months(number, german) for number in (1, 14, 1200)] == ["1 Monat", "14 Monate", "1.200 Monate"]
    assert write_dollars(1253.5, german) == "1.253,50\N{NO-BREAK SPACE}$"
    assert len(write_dollars(3.4e38, german)) < 12
