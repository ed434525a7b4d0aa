"""The commands `churn bundle ...`: show, sign and verify a bundle, make keys, and upgrade one of an earlier format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from churn.cli.extras import require_extra
from churn.cli.options import JsonOption
from churn.cli.show import out, print_json, print_table, say
from churn.contract.catalogues import list_languages
from churn.errors import SettingsError
from churn.model.bundle import load_bundle
from churn.model.manifest import MANIFEST
from churn.model.signing import SIGNATURE, make_keys, require_signature, sign_manifest
from churn.model.threshold import find_threshold
from churn.retention.banner import OTHER_EFFECTS, find_uplift
from churn.retention.offers.policy import load_policy
from churn.settings import read_settings

app = typer.Typer(
    name="bundle", help="Show, sign and verify exported models, and upgrade earlier ones.", no_args_is_help=True
)
BundleArgument = Annotated[
    Path | None,
    typer.Argument(metavar="FOLDER", help="The bundle; the one that is served by default.", show_default=False),
]


@app.command(epilog="Example: churn bundle show var/bundles/streamflow/v2.4.0")
def show(folder: BundleArgument = None, *, as_json: JsonOption = False) -> None:
    """Verify a bundle and say what is in it: the model, and the uplift if it has one. Exit code 4: it cannot be used.

    An uplift decides only under a policy that says the effects that it was fitted over: OFFER_POLICY, or the contract's
    own.
    """
    settings = read_settings()
    bundle = load_bundle(folder or settings.bundle_path, settings.bundle_keys)
    manifest, contract = bundle.manifest, bundle.model.contract
    facts: dict[str, Any] = {
        "bundle": str(bundle.path),
        "model_version": manifest.model_version,
        "format": manifest.bundle_format,
        "sha256": bundle.sha256,
        "contract": manifest.contract,
        "explainer": manifest.explainer,
        "training_data_version": manifest.training_data_version,
        "threshold": find_threshold(bundle.model, settings.churn_threshold).probability,
        "uplift": None,
    }
    if manifest.uplift:
        policy = load_policy(settings.offer_policy, contract, languages=list_languages(contract))
        decides = find_uplift(bundle.model, policy) is not None
        facts["uplift"] = {**manifest.uplift.model_dump(mode="json"), "policy": policy.version, "decides": decides}
    if as_json:
        print_json(facts)
        return
    uplift = facts.pop("uplift")
    print_table("bundle", ["what", "value"], [(name, _word(value)) for name, value in facts.items()])
    if uplift:
        why_not = "" if uplift["decides"] else f"no: {OTHER_EFFECTS.format(version=uplift['policy'])}"
        rows = [(name, _word(value)) for name, value in uplift.items() if name != "decides"]
        print_table("uplift", ["what", "value"], [*rows, ("decides", why_not or "yes")])
    else:
        out.print("It has no uplift: offers are chosen by the effects that the policy says.")


def _word(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "-" if value is None else str(value)


@app.command("make-keys", epilog="Example: churn bundle make-keys release.pem")
def make_pair(
    private: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes, with mode 0600.")],
) -> None:
    """Make a pair of keys of Ed25519. The public one stands beside the private one and ends in .pub."""
    public, name = make_keys(private)
    say(f"{private} signs bundles: keep it from others. {public} goes into the file that BUNDLE_KEYS names")
    out.print(name, markup=False)


@app.command(epilog="Example: churn bundle sign var/bundles/streamflow/v2.4.0 --key release.pem")
def sign(
    folder: BundleArgument = None,
    *,
    key: Annotated[Path, typer.Option("--key", help="The private key, as `make-keys` wrote it.", show_default=False)],
) -> None:
    """Verify a bundle, and write the signature of its manifest beside it. Another signature is replaced."""
    bundle = load_bundle(folder or read_settings().bundle_path)
    where = bundle.path.resolve()
    name = sign_manifest(where, bundle.files[MANIFEST], key)
    out.print(f"{where / SIGNATURE}: {bundle.manifest.model_version}, signed with the key {name}", markup=False)


@app.command(epilog="Example: churn bundle verify --keys release.pem.pub")
def verify(
    folder: BundleArgument = None,
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="Public keys in PEM; by default those of BUNDLE_KEYS.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify every file of a bundle, its golden rows, and who signed it. Exit code 4: it cannot be used."""
    settings = read_settings()
    trusted = keys or settings.bundle_keys
    if trusted is None:
        raise SettingsError("no keys to verify with", instead="give --keys FILE, or set BUNDLE_KEYS")
    bundle = load_bundle(folder or settings.bundle_path)
    name = require_signature(bundle.path, bundle.files[MANIFEST], bundle.files.get(SIGNATURE), trusted)
    version, sha256 = bundle.manifest.model_version, bundle.sha256
    if as_json:
        print_json({"bundle": str(bundle.path), "model_version": version, "sha256": sha256, "key": name})
    else:
        out.print(f"{bundle.path}: {version}, whole, and signed with the key {name}", markup=False)


@app.command(epilog="Example: churn bundle upgrade var/bundles/streamflow/v1.0.0")
def upgrade(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A bundle of format 1 or 2.", show_default=False)],
    *,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Where the new bundle is written; in place of the old one by default.")
    ] = None,
) -> None:
    """Make a bundle of today of one of format 1 or 2. The model stays, and must answer as it did then."""
    require_extra("xgboost", "xgboost")
    from churn.model.upgrading import upgrade_bundle  # noqa: PLC0415 - an extra

    bundle = upgrade_bundle(folder.resolve(), (out_folder or folder).resolve())
    out.print(f"{bundle.path}: {bundle.manifest.model_version}, format {bundle.manifest.bundle_format}", markup=False)
