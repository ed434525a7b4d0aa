import pytest

from churn.businesses import find_contract
from churn.contract.language import find_language
from churn.contract.phrases import CountedNoun, Money, write_dollars, write_share

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


@pytest.mark.parametrize(
    ("minutes", "english", "german"),
    [
        (13.7, "13.7 minutes", "13,7 Minuten"),
        (0.6, "0.6 minutes", "0,6 Minuten"),
        (0.00012345, "0.000123 minutes", "0,000123 Minuten"),
        (1234.56789, "1,234.568 minutes", "1.234,568 Minuten"),
        (1.0, "1 minute", "1 Minute"),
        (0.99999, "1 minute", "1 Minute"),
        (14.0, "14 minutes", "14 Minuten"),
        (-0.0, "0 minutes", "0 Minuten"),
        (-2.5, "-2.5 minutes", "-2,5 Minuten"),
        (3.4e38, "3.4e+38 minutes", "3,4E38 Minuten"),
    ],
)
def test_a_count_is_not_cut_to_a_whole_number(minutes: float, english: str, german: str) -> None:
    noun = CountedNoun("minute", "minutes")
    assert noun(minutes) == english
    assert noun(minutes, find_language("de")).replace("minute", "Minute").replace("Minutes", "Minuten") == german


def test_a_ratio_is_written_in_percent() -> None:
    german = find_language("de")
    ratios = (0.36, 0.07, 0.125, 0.0004, 0.0, 1.0, 1e-12)
    assert [write_share(ratio) for ratio in ratios] == ["36%", "7%", "12.5%", "0.04%", "0%", "100%", "1e-10%"]
    assert [write_share(ratio, german) for ratio in ratios[:3]] == [
        f"{text}\N{NO-BREAK SPACE}%" for text in ("36", "7", "12,5")
    ]


def test_money_is_written_in_its_currency() -> None:
    german = find_language("de")
    assert [Money(code)(-1253.5) for code in ("EUR", "JPY", "CHF")] == ["-€1,253.50", "-¥1,254", "-CHF1,253.50"]
    assert Money("EUR")(1253.5, german) == "1.253,50\N{NO-BREAK SPACE}€"
    assert Money("CHF")(3.4e38) == "3.4E38 CHF"
