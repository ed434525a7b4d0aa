"""The commands `churn bundle ...`: make keys, sign and verify a bundle, and upgrade one of an earlier format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churn.cli.extras import require_extra
from churn.cli.options import JsonOption
from churn.cli.show import out, print_json, say
from churn.errors import SettingsError
from churn.model.bundle import load_bundle
from churn.model.manifest import MANIFEST
from churn.model.signing import SIGNATURE, make_keys, require_signature, sign_manifest
from churn.settings import read_settings

app = typer.Typer(
    name="bundle", help="Sign and verify exported models, and upgrade earlier ones.", no_args_is_help=True
)
BundleArgument = Annotated[
    Path | None,
    typer.Argument(metavar="FOLDER", help="The bundle; the one that is served by default.", show_default=False),
]


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
