"""The command `churn prove`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import list_contracts
from churn.cli.extras import require_extra
from churn.cli.options import JsonOption
from churn.cli.show import out, print_json, print_table, say, show_progress
from churn.contract.catalogues import list_languages
from churn.contract.declaration import Contract
from churn.errors import GateError, SettingsError
from churn.model.bundle import load_bundle
from churn.model.threshold import find_threshold
from churn.retention.offers.policy import load_policy
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.retention.proving import Proof

# ruff: noqa: PLC0415 - what reads files is an extra, and what proves is slow to load

app = typer.Typer()
RANDOM_ROWS = 100_000
NOTHING_SHOWN = (
    "No banner showed a reason, so no reason was proven. Only fields with raises and lowers in the contract are shown."
)


@app.command(epilog="Example: churn prove streamflow --rows 1000000")
def prove(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A bundle, or a contract: its champion. By default the served one.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Look at the subscribers of this file or folder; at random ones if not given."),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help=f"Number of random subscribers; {RANDOM_ROWS:,} if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random subscribers.")] = 0,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Prove that a bundle's banners show no reason that is protected, repeated, wrong or not verified.

    Draw random valid subscribers, or read them with --data, and check each banner's reasons against the model's own
    library. Check why an offer is for somebody against the boosters of the uplift, where there is one. Count the
    banners that all their reasons undo together. Use the threshold in force and OFFER_POLICY. Exit code 6 if a law is
    broken.
    """
    from churn.retention.proving import draw_batches
    from churn.retention.proving import prove as proof_of

    if data:
        if rows:
            raise SettingsError("--rows counts random subscribers, and --data names others", instead="give one of them")
        require_extra("offers", "pyarrow")
    settings = read_settings()
    loaded = load_bundle(_find_bundle(bundle, settings), settings.bundle_keys)
    contract = loaded.model.contract
    policy = load_policy(settings.offer_policy, contract, languages=list_languages(contract))
    today = datetime.now(UTC).date()
    with show_progress("looking at subscribers") as move:
        proof = proof_of(
            loaded,
            policy,
            _read_batches(data, contract, today, move)
            if data
            else draw_batches(contract, rows or RANDOM_ROWS, seed=seed, progress=move),
            threshold=find_threshold(loaded.model, settings.churn_threshold).probability,
            today=today,
        )
    if as_json:
        print_json(_as_json(proof))
    else:
        version, which = loaded.manifest.model_version, f"of {data}" if data else "at random"
        out.print(
            f"{proof.rows:,} subscribers {which}, {contract.contract_name} model {version}: {proof.banners:,} banners"
        )
        print_table("reasons shown in a banner", ["reasons", "banners"], sorted(proof.shown.items()))
        print_table("reasons shown", ["code", "banners"], proof.codes.most_common())
        print_table("reasons that raise the risk and were not shown", ["why", "times"], proof.suppressed.most_common())
        offers = [(code or "none", banners) for code, banners in proof.offers.most_common()]
        print_table("offers", ["code", "banners"], offers)
        if loaded.model.uplift:
            print_table("why an offer is for somebody", ["code", "banners"], proof.offer_reasons.most_common())
    if proof.broken:
        law, count = proof.broken.most_common(1)[0]
        raise GateError(
            f"{sum(proof.broken.values()):,} times a law was broken; {count:,} times: {law}; first: {proof.first[law]}",
            instead="do not serve this bundle; report the case",
        )
    if not as_json:
        shown = sum(proof.codes.values())
        out.print(f"Every one of the {shown:,} reasons shown holds." if shown else NOTHING_SHOWN)
        if shown:
            out.print(
                f"{proof.undone:,} of {proof.with_reasons:,} banners with reasons would not be shown with all that "
                "these speak of moved together: the model's probability is then not above the threshold."
            )


def _read_batches(
    path: Path, contract: type[Contract], today: date, progress: Callable[[int, int], None]
) -> Iterator[list[Contract]]:
    """Read the valid subscribers of a file; say at its end how many rows were none."""
    from churn.retention.campaign.population import Census, read_subscribers

    census = Census()
    for batch in read_subscribers(path, contract, census, today=today, progress=progress):
        yield [subscriber for _, subscriber in batch]
    if census.invalid_rows:
        say(f"{census.invalid_rows:,} of {census.rows:,} rows are no valid subscribers and were left out")


def _find_bundle(given: Path | None, settings: Settings) -> Path:
    """Return the bundle that was given, or the champion of the contract that was."""
    if given and not given.exists() and str(given) in list_contracts():
        return settings.shelf(str(given)).champion
    return given or settings.bundle_path


def _as_json(proof: Proof) -> dict[str, Any]:
    counts = {
        "shown": proof.shown,
        "codes": proof.codes,
        "suppressed": proof.suppressed,
        "offer_reasons": proof.offer_reasons,
        "offers": {code or "none": count for code, count in proof.offers.items()},
        "broken": proof.broken,
    }
    banners = {"banners": proof.banners, "banners_with_reasons": proof.with_reasons, "undone_together": proof.undone}
    return {"rows": proof.rows, **banners, "first": proof.first, **counts}
