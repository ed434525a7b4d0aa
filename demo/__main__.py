"""`scripts/canary-demo`: plays the scenarios and says whether each ended as it should."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from churn.businesses import find_contract
from churn.cli.models import export_bundle
from churn.cli.show import complain, out, print_json, say, table
from churn.cli.training import make_demo_file, open_registry, train_and_register
from churn.errors import ChurnError
from churn.settings import Settings, read_settings
from demo.machine import CANARY, STABLE, Machine
from demo.scenarios import SCENARIOS, Outcome, Scenario, play
from demo.traffic import Traffic
from demo.watching import watching

CONTRACT = "streamflow"


def main() -> int:
    """Gives the exit code: 0 if all ended as they should, 1 if not."""
    parser = argparse.ArgumentParser(prog="scripts/canary-demo", description=__doc__)
    parser.add_argument(
        "scenario", nargs="*", help=f"of: {', '.join(each.name for each in SCENARIOS)}; all if none is given"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="start the dashboard too, and Prometheus if it is installed; stay until Ctrl+C",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    arguments = parser.parse_args()
    known = {each.name: each for each in SCENARIOS}
    if unknown := [name for name in arguments.scenario if name not in known]:
        parser.error(f"there is no scenario {unknown[0]}; there are {', '.join(known)}")
    chosen = [known[name] for name in arguments.scenario or known]
    with contextlib.redirect_stdout(sys.stderr):  # what training shows is no result
        bundles = _bundles(read_settings())
    outcomes: list[tuple[Scenario, Outcome]] = []
    with tempfile.TemporaryDirectory() as folder:
        say("starting HAProxy, the stable service and the canary")
        with Machine(bundles, Path(folder)) as machine, Traffic(machine.service) as traffic:
            homes = [Path(folder) / ("home" if arguments.watch else f"home-{at}") for at in range(len(chosen))]
            with _watching(machine, homes[0], Path(folder)) if arguments.watch else contextlib.nullcontext():
                for number, (scenario, home) in enumerate(zip(chosen, homes, strict=True), 1):
                    say(f"{number} of {len(chosen)}: {scenario.name}: {scenario.about}")
                    outcome = play(scenario, machine, traffic, home)
                    outcomes.append((scenario, outcome))
                    if not arguments.json:
                        _tell(outcome)
                _show(outcomes, as_json=arguments.json)
                if arguments.watch:
                    say("all are over; Ctrl+C stops what is to be looked at")
                    with contextlib.suppress(KeyboardInterrupt):
                        threading.Event().wait()
    return 0 if all(outcome.as_it_should(scenario) for scenario, outcome in outcomes) else 1


@contextlib.contextmanager
def _watching(machine: Machine, home: Path, folder: Path) -> Iterator[None]:
    home.mkdir()
    with watching(machine, home, folder) as addresses:
        for part, address in addresses.items():
            say(f"{part}: {address}")
        yield


def _bundles(settings: Settings) -> Path:
    """The folder that holds both versions; those that are missing are trained and exported, as scripts/serve does."""
    contract, folder = find_contract(CONTRACT), settings.shelf(CONTRACT).folder
    missing = {version for version in (STABLE, CANARY) if not (folder / version).is_dir()}
    if not missing:
        return folder
    registry = open_registry(settings)
    from churn.training.promotion import find_version  # noqa: PLC0415 - MLflow takes seconds to import
    from churn.training.registry import registered_name  # noqa: PLC0415

    assert contract.demo is not None  # noqa: S101 - it has one
    for data, version in contract.demo.versions.items():
        if version.model_version not in missing:
            continue
        say(f"making {version.model_version}, which is not there yet")
        name = registered_name(contract)
        if not any(info.tags.get("model_version") == version.model_version for info in registry.versions(name)):
            train_and_register(contract, make_demo_file(contract, data, settings), settings, version.model_version)
        info = find_version(registry, contract, version.model_version)
        export_bundle(f"models:/{name}/{info.number}", settings, contract=CONTRACT)
    return folder


def _tell(outcome: Outcome) -> None:
    """The steps of a rollout, without what was only looked at."""
    for each in outcome.events:
        if each["kind"] in {"stepped", "returning", "routing", "trouble", "ended"}:
            out.print(f"    {each['at'][11:23]}  {each['weight_percent']:3} %  {each['reason']}", markup=False)


def _show(outcomes: list[tuple[Scenario, Outcome]], *, as_json: bool) -> None:
    rows = [
        {
            "scenario": scenario.name,
            "should": scenario.expected,
            "ended": outcome.ended,
            "as_it_should": outcome.as_it_should(scenario),
            "took_s": round(outcome.took_s, 1),
            "canary_requests": outcome.canary_requests,
            "back_s": outcome.back_s,
            "failed_requests": outcome.failed,
            "champion": outcome.champion,
            "reason": outcome.reason,
        }
        for scenario, outcome in outcomes
    ]
    if as_json:
        print_json(rows)
        return
    columns = ["scenario", "should be", "was", "", "seconds", "canary's requests", "back after", "failed", "champion"]
    cells = [
        (
            row["scenario"],
            row["should"],
            row["ended"],
            "as it should" if row["as_it_should"] else "NOT AS IT SHOULD",
            f"{row['took_s']:.1f}",
            f"{row['canary_requests']:,}",
            "" if row["back_s"] is None else f"{row['back_s']:.3f} s",
            row["failed_requests"],
            row["champion"],
        )
        for row in rows
    ]
    table("Scenarios", columns, cells)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ChurnError as error:
        complain(error)
        sys.exit(error.exit_code)
