"""The command `churn prove`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.businesses import list_contracts
from churn.cli.options import JsonOption
from churn.cli.show import out, print_json, print_table, show_progress
from churn.contract.catalogues import list_languages
from churn.errors import GateError
from churn.model.bundle import load_bundle
from churn.model.threshold import find_threshold
from churn.retention.offers.policy import load_policy
from churn.settings import Settings, read_settings

if TYPE_CHECKING:
    from churn.retention.proving import Proof

app = typer.Typer()
NOTHING_SHOWN = (
    "No banner showed a reason, so no reason was proven. Only fields with raises and lowers in the contract are shown."
)


@app.command(epilog="Example: churn prove streamflow --rows 1000000")
def prove(
    bundle: Annotated[
        Path | None,
        typer.Argument(help="A bundle, or a contract: its champion. By default the served one.", show_default=False),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Number of random subscribers.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Seed of the random subscribers.")] = 0,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Prove that a bundle's banners show no reason that is protected, repeated, wrong or not verified.

    Draw random valid subscribers and check each banner's reasons against the model's own library. Use the threshold
    in force and OFFER_POLICY. Exit code 6 if a law is broken.
    """
    from churn.retention.proving import prove as proof_of  # noqa: PLC0415 - slow to load

    settings = read_settings()
    loaded = load_bundle(_find_bundle(bundle, settings), settings.bundle_keys)
    contract = loaded.model.contract
    policy = load_policy(settings.offer_policy, contract, languages=list_languages(contract))
    with show_progress("looking at subscribers") as move:
        proof = proof_of(
            loaded,
            policy,
            rows=rows,
            threshold=find_threshold(loaded.model, settings.churn_threshold).probability,
            today=datetime.now(UTC).date(),
            seed=seed,
            progress=move,
        )
    if as_json:
        print_json(_as_json(proof))
    else:
        version = loaded.manifest.model_version
        out.print(
            f"{rows:,} random subscribers of {contract.contract_name}, model {version}: {proof.banners:,} banners"
        )
        print_table("reasons shown in a banner", ["reasons", "banners"], sorted(proof.shown.items()))
        print_table("reasons shown", ["code", "banners"], proof.codes.most_common())
        print_table("reasons that raise the risk and were not shown", ["why", "times"], proof.suppressed.most_common())
        offers = [(code or "none", banners) for code, banners in proof.offers.most_common()]
        print_table("offers", ["code", "banners"], offers)
    if proof.broken:
        law, count = proof.broken.most_common(1)[0]
        raise GateError(
            f"{sum(proof.broken.values()):,} times a law was broken; {count:,} times: {law}; first: {proof.first[law]}",
            instead="do not serve this bundle; report the case",
        )
    if not as_json:
        shown = sum(proof.codes.values())
        out.print(f"Every one of the {shown:,} reasons shown holds." if shown else NOTHING_SHOWN)


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
        "offers": {code or "none": count for code, count in proof.offers.items()},
        "broken": proof.broken,
    }
    return {"rows": proof.rows, "banners": proof.banners, "first": proof.first, **counts}
