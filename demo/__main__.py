"""`scripts/canary-demo`: play the scenarios and say whether each ended as it should."""

import argparse
import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from churn.cli.show import complain, out, print_json, print_table, say
from churn.errors import ChurnError
from churn.settings import read_settings
from demo.machine import Machine
from demo.monitors import run_monitors
from demo.pair import make_pair
from demo.scenarios import SCENARIOS, Result, Scenario, play
from demo.traffic import Traffic


def main() -> int:
    """Return the exit code: 0 if all ended as they should, 1 if not."""
    parser = argparse.ArgumentParser(prog="scripts/canary-demo", description=__doc__)
    parser.add_argument(
        "scenario", nargs="*", help=f"of: {', '.join(scenario.name for scenario in SCENARIOS)}; all by default"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="start the dashboard too, and Prometheus if it is installed; stay until Ctrl+C",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    arguments = parser.parse_args()
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if unknown := [name for name in arguments.scenario if name not in known]:
        parser.error(f"there is no scenario {unknown[0]}; there are {', '.join(known)}")
    chosen = [known[name] for name in arguments.scenario or known]
    results: list[tuple[Scenario, Result]] = []
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(sys.stderr):  # results only on standard output
            pair = make_pair(read_settings(), Path(folder))
        say("starting HAProxy, the stable service and the canary")
        with Machine(pair, Path(folder)) as machine, Traffic(machine.service, pair) as traffic:
            homes = [Path(folder) / ("home" if arguments.watch else f"home-{number}") for number in range(len(chosen))]
            with _show_monitors(machine, homes[0], Path(folder)) if arguments.watch else contextlib.nullcontext():
                for number, (scenario, home) in enumerate(zip(chosen, homes, strict=True), 1):
                    say(f"{number} of {len(chosen)}: {scenario.name}: {scenario.about}")
                    result = play(scenario, machine, traffic, home)
                    results.append((scenario, result))
                    if not arguments.json:
                        _print_events(result)
                _print_results(results, as_json=arguments.json)
                if arguments.watch:
                    say("all are over; Ctrl+C stops the dashboard and Prometheus")
                    with contextlib.suppress(KeyboardInterrupt):
                        threading.Event().wait()
    return 0 if all(result.is_expected(scenario) for scenario, result in results) else 1


@contextlib.contextmanager
def _show_monitors(machine: Machine, home: Path, folder: Path) -> Iterator[None]:
    home.mkdir()
    with run_monitors(machine, home, folder) as addresses:
        for name, address in addresses.items():
            say(f"{name}: {address}")
        yield


def _print_events(result: Result) -> None:
    """Print the events of a rollout, without the verdicts."""
    for event in result.events:
        if event["kind"] in {"stepped", "returning", "routing", "trouble", "ended"}:
            out.print(f"    {event['at'][11:23]}  {event['weight_percent']:3} %  {event['reason']}", markup=False)


def _print_results(results: list[tuple[Scenario, Result]], *, as_json: bool) -> None:
    rows = [
        {
            "scenario": scenario.name,
            "should": scenario.expected,
            "ended": result.ended,
            "as_it_should": result.is_expected(scenario),
            "took_s": round(result.took_s, 1),
            "canary_requests": result.canary_requests,
            "back_s": result.back_s,
            "failed_requests": result.failed,
            "champion": result.champion,
            "reason": result.reason,
        }
        for scenario, result in results
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
    print_table("Scenarios", columns, cells)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ChurnError as error:
        complain(error)
        sys.exit(error.exit_code)
