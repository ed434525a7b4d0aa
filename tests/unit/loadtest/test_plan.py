"""What cannot be run is refused before anything is sent, and payloads are subscribers that the service takes."""

import pytest
from support.load_plans import a_plan

from churn.businesses import find_contract, list_contracts
from churn.errors import SettingsError
from churn.loadtest.plan import MOST_REQUESTS, OpenLoop, build_target_url, draw_bodies


@pytest.mark.parametrize(
    ("address", "path", "url"),
    [
        ("http://127.0.0.1:8000", "/predict", "http://127.0.0.1:8000/predict"),
        ("http://127.0.0.1:8000/", "predict", "http://127.0.0.1:8000/predict"),
        ("https://[::1]/below", "/predict?reasons=5", "https://[::1]/below/predict?reasons=5"),
    ],
)
def test_path_and_address_make_the_url(address: str, path: str, url: str) -> None:
    assert build_target_url(address, path) == url


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:8000", "ftp://host", "http://", "http://host:no", "http://host:0", "http://[::1"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="is not the address of an HTTP service") as refused:
        build_target_url(address, "/predict")
    assert "http://127.0.0.1:8000" in refused.value.instead


def test_more_requests_than_can_be_kept_track_of_are_refused() -> None:
    endless = OpenLoop(100_000, "uniform", drain_s=1)
    with pytest.raises(SettingsError, match="this would send 8,640,000,000 requests"):
        a_plan(loop=endless, requests=None, duration_s=86_400)
    with pytest.raises(SettingsError, match="at most 10,000,000"):
        a_plan(requests=MOST_REQUESTS + 1)


@pytest.mark.parametrize("name", list_contracts())
def test_payloads_are_valid_varied_and_the_same_for_the_same_seed(name: str) -> None:
    contract = find_contract(name)
    bodies = draw_bodies(contract, 1, 50)
    assert bodies == draw_bodies(contract, 1, 50) != draw_bodies(contract, 2, 50)
    assert len({contract.model_validate_json(body) for body in bodies}) == 50
