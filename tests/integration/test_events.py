"""Banner events through a real service with two workers and keys, by the client, and in its log afterwards."""

import json
from pathlib import Path

import httpx2
import pytest
from support.examples import STREAMFLOW
from support.keys import MONITOR, PORTAL, TWO_CALLERS, bearer
from support.processes import serving, succeed
from support.scraping import scraped, total

from churn.client import ChurnClient
from churn.errors import Refused
from churn.judging import metrics
from churn.model.bundle import Bundle
from churn.prediction_log.event_reader import join_events, read_events
from churn.prediction_log.places import locate_log
from churn.prediction_log.record import hash_key
from churn.prediction_log.segments import list_segments, open_store

SALT = "0123456789abcdef"


def test_what_a_client_reports_is_counted_and_lies_in_a_segment_once_the_service_has_stopped(
    bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bundle = bundles["streamflow"]
    settings = {"MODEL_PATH": bundle.path, "WORKERS": 2, "API_KEYS": TWO_CALLERS, "PREDICTION_LOG_SALT": SALT}
    with (
        serving(tmp_path, "serve", CHURN_THRESHOLD=0, **settings) as (address, _),
        ChurnClient(address, budget_s=30, api_key=PORTAL) as client,
    ):
        answer = client.predict(STREAMFLOW.example(), subscriber_key="somebody")
        made, version = answer["prediction_id"], answer["model_version"]
        for _ in range(5):  # whichever worker takes it
            client.report_event(made, "seen", model_version=version, subscriber_key="somebody")
        client.report_event(made, "accepted", model_version=version)
        client.report_event("0" * 32, "dismissed")
        with pytest.raises(Refused) as refused:
            client.report_event(made, "bought")  # type: ignore[arg-type] # it is no event
        assert "must be one of seen, dismissed" in refused.value.fields["[0].event"]
        with ChurnClient(address, budget_s=30, api_key=MONITOR) as other, pytest.raises(Refused) as refused:
            other.report_event(made, "seen")
        assert (refused.value.status, "scope events" in refused.value.detail) == (403, True)
        text = httpx2.get(f"{address}/metrics", headers=bearer(MONITOR), trust_env=False).text
        counted = {
            event: total(scraped(text), metrics.BANNER_EVENTS.name, event=event)
            for event in ("seen", "accepted", "dismissed")
        }
        assert (counted["accepted"], counted["dismissed"]) == (1, 1)
        assert counted["seen"] in {1, 2}  # once for each worker to which it came
    places = locate_log(None, "streamflow", home=tmp_path)
    assert list_segments(open_store(places.banner_events.where))
    events = read_events(places)
    assert sorted(event.event for event in events) == ["accepted", "dismissed", "seen"]
    [seen] = [event for event in events if event.event == "seen"]
    assert (seen.caller, seen.subscriber, seen.model_version) == ("portal", hash_key("somebody", SALT), version)
    joined = join_events(places, events)
    assert {predicted.model_version for _, predicted in joined.events} == {version}
    assert (len(joined.events), joined.without_prediction) == (2, 1)
    assert "somebody" not in json.dumps(events)
    shown = json.loads(succeed(tmp_path, "predictions", "events", "--json"))
    assert shown["events"] == [{"model_version": version, "event": event, "count": 1} for event in ("accepted", "seen")]
    assert shown["without_prediction"] == 1
    assert "1 more are of no prediction in the log" in succeed(tmp_path, "predictions", "events")
