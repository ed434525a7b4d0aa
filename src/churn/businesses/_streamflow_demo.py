"""StreamFlow's demo data: an invented population of the people who open Manage Subscription.

They are those who have a reason to look at their contract, so nearly half of them leave; of
all subscribers far fewer do.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from churn.contract.demo import DemoProcess, DemoVersion


def draw_subscribers(rng: np.random.Generator, rows: int, shift: Mapping[str, float]) -> dict[str, npt.NDArray[Any]]:
    """Draws subscribers who open Manage Subscription.

    - tenure: many new subscribers, mean 37 months, few past 90.
    - contract_type: a commitment of tenure / 45 months + Logistic(0, 1); a year from 2.0, two years from 3.0.
    - monthly_charges: 14 dollars, + 14 for dsl or 34 for fiber optic, + 6 per streaming service, + add-ons
      Gamma(1.5, 24 dollars), + discounts and fees Normal(0, 3 dollars), + `price_rise`; never below 9.95.
    - total_charges: tenure x monthly_charges x LogNormal(0, 0.08), for promotions and price changes along the way.
    - payment_method: electronic check by the share given, else one of the other three alike.
    - num_support_tickets: Poisson with Gamma-spread rate (negative binomial, shape 1.2).

    `shift` may hold `price_rise`, in dollars a month (0). Return one array of length rows per feature; money in whole
    cents.
    """
    tenure = np.floor(120 * rng.beta(0.8, 1.8, rows)).astype(np.int64)
    contract = np.searchsorted([2.0, 3.0], tenure / 45 + rng.logistic(0, 1, rows))
    internet = rng.choice(3, rows, p=[0.20, 0.38, 0.42])
    streaming = np.where(internet > 0, rng.binomial(4, 0.45, rows), 0)
    list_price = 14 + np.array([0, 14, 34])[internet] + 6 * streaming + rng.gamma(1.5, 24, rows)
    monthly = np.maximum(list_price + rng.normal(0, 3, rows) + shift.get("price_rise", 0.0), 9.95).round(2)
    pays_by_check = rng.random(rows) < np.array([0.5, 0.3, 0.2])[contract]
    paperless = rng.random(rows) < np.array([0.35, 0.60, 0.75])[internet]
    ticket_mean = np.array([1.0, 1.3, 1.7])[internet]
    return {
        "tenure": tenure,
        "monthly_charges": monthly,
        "total_charges": (tenure * monthly * rng.lognormal(0, 0.08, rows)).round(2),
        "contract_type": np.array(["month-to-month", "one-year", "two-year"])[contract],
        "payment_method": np.where(
            pays_by_check, "electronic_check", rng.choice(["mailed_check", "bank_transfer", "credit_card"], rows)
        ),
        "num_support_tickets": rng.negative_binomial(1.2, 1.2 / (1.2 + ticket_mean)),
        "internet_service": np.array(["none", "dsl", "fiber_optic"])[internet],
        "streaming_services": streaming,
        "paperless_billing": paperless,
        "senior_citizen": rng.random(rows) < np.where(paperless, 0.10, 0.20),
    }


def compute_log_odds(columns: Mapping[str, npt.NDArray[Any]], shift: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """The true log-odds of leaving; every term honours the monotone directions that the contract declares.

    - a contract binds, and risk fades with tenure.
    - a price hurts from about 95 dollars a month, those who are bound a quarter as much.
    - total_charges and senior_citizen have no effect of their own.

    `shift` may hold `price_sensitivity`, a factor (1). Of columns of length n, return float64 (n,).
    """
    tenure = columns["tenure"].astype(np.float64)
    bound = columns["contract_type"] != "month-to-month"
    price_felt = 3.3 * shift.get("price_sensitivity", 1.0) * np.where(bound, 0.25, 1.0)
    log_odds: npt.NDArray[np.float64] = (
        0.35
        - 3.0 * bound
        - 2.0 * (columns["contract_type"] == "two-year")
        + 2.4 * np.exp(-tenure / 8)
        - 0.02 * tenure
        + price_felt / (1 + np.exp((115 - columns["monthly_charges"]) / 8))
        + 0.22 * np.minimum(columns["num_support_tickets"], 6)
        - 0.3 * columns["streaming_services"]
        + 0.1 * (columns["internet_service"] == "fiber_optic")
        - 0.1 * (columns["internet_service"] == "none")
        + 0.2 * (columns["payment_method"] == "electronic_check")
        + 0.1 * columns["paperless_billing"]
    )
    return log_odds


DEMO = DemoProcess(
    versions={
        "streamflow-v3-2024-03": DemoVersion(
            model_version="v2.3.1", seed=202403, rows=80_000, shift={}, about="The process as it stands."
        ),
        "streamflow-v4-2024-06": DemoVersion(
            model_version="v2.4.0",
            seed=202406,
            rows=80_000,
            shift={"price_rise": 4.0, "price_sensitivity": 1.1},
            about="After a price rise of $4 a month, which also made subscribers feel a high price 10 % more.",
        ),
    },
    draw=draw_subscribers,
    log_odds=compute_log_odds,
)
