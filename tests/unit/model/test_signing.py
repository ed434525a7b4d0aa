"""Who vouches for a bundle: with BUNDLE_KEYS nothing is served that none of them has signed."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.earlier import EARLIER
from typer.testing import CliRunner

from churn.cli import app
from churn.errors import BundleError, ChurnError, SettingsError
from churn.model.bundle import load_bundle
from churn.model.manifest import MANIFEST, MANIFEST_SHA256, seal_from_manifest
from churn.model.signing import SIGNATURE, load_public_keys, make_keys, sign_manifest
from churn.service.app import create_app
from churn.settings import Settings

LOAD = """
import sys
from pathlib import Path
from churn.model.bundle import load_bundle
load_bundle(Path(sys.argv[1]))
print("cryptography" in sys.modules)
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EARLIER / "bundles" / "streamflow" / "v0.0.1", tmp_path / "bundle"))


@pytest.fixture
def private(tmp_path: Path) -> Path:
    make_keys(tmp_path / "release.pem")
    return tmp_path / "release.pem"


@pytest.fixture
def public(private: Path) -> Path:
    return private.with_name("release.pem.pub")


def run(*arguments: str | Path, **environment: str) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    if isinstance(done.exception, ChurnError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_only_the_owner_may_read_a_private_key_and_no_key_is_replaced(private: Path, public: Path) -> None:
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert len(load_public_keys(public)) == 1
    before = private.read_bytes()
    for other in (private, public):
        with pytest.raises(SettingsError, match="no key is replaced"):
            make_keys(private)
        other.unlink()
        private.write_bytes(before)
    private.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read"):
        sign_manifest(private.parent, b"", private)


def test_a_bundle_is_signed_verified_and_served_by_commands(bundle: Path, private: Path, public: Path) -> None:
    assert "v0.0.1, signed with the key" in run("bundle", "sign", bundle, "--key", private)
    [name] = load_public_keys(public)
    told = json.loads(run("bundle", "verify", bundle, "--json", BUNDLE_KEYS=str(public)))
    assert (told["model_version"], told["key"]) == ("v0.0.1", name)
    settings = Settings(model_path=bundle, bundle_keys=public, prediction_log="off")
    create_app(settings)
    assert load_bundle(bundle).files.keys() == load_bundle(bundle, public).files.keys() >= {SIGNATURE}


def test_a_service_with_keys_refuses_what_is_not_signed_also_as_challenger(
    bundle: Path, private: Path, public: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="is not signed, and BUNDLE_KEYS asks for it"):
        create_app(Settings(model_path=bundle, bundle_keys=public, prediction_log="off"))
    challenger = shutil.copytree(bundle, tmp_path / "challenger")
    run("bundle", "sign", bundle, "--key", private)
    settings = Settings(model_path=bundle, challenger_path=challenger, bundle_keys=public, churn_home=tmp_path)
    with pytest.raises(BundleError, match="challenger is not signed"):
        create_app(settings)


def test_one_key_of_several_is_enough_and_any_other_is_refused_by_name(
    bundle: Path, private: Path, public: Path, tmp_path: Path
) -> None:
    other, _ = make_keys(tmp_path / "other.pem")
    name = sign_manifest(bundle, (bundle / MANIFEST).read_bytes(), private)
    with pytest.raises(BundleError, match=f"key {name}, which is not in"):
        load_bundle(bundle, other)
    other.write_bytes(other.read_bytes() + public.read_bytes())
    assert load_bundle(bundle, other).manifest.model_version == "v0.0.1"


def seal_anew(bundle: Path, manifest: bytes) -> None:
    (bundle / MANIFEST).write_bytes(manifest)
    (bundle / MANIFEST_SHA256).write_bytes(seal_from_manifest(manifest))


def test_a_signature_is_of_these_very_bytes(bundle: Path, private: Path, public: Path) -> None:
    manifest = (bundle / MANIFEST).read_bytes()
    sign_manifest(bundle, manifest, private)
    seal_anew(bundle, manifest.replace(b'"v0.0.1"', b'"v0.0.9"'))
    with pytest.raises(BundleError, match="was changed after signing"):
        load_bundle(bundle, public)
    seal_anew(bundle, manifest)
    golden = bundle / "golden.json"
    golden.write_bytes(golden.read_bytes() + b" ")
    with pytest.raises(BundleError, match=r"golden\.json was changed"):
        load_bundle(bundle, public)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"key": "0123456789abcdef", "signature": "x"}', b"\xff" * 2000])
def test_what_is_no_signature_is_refused_in_a_sentence(bundle: Path, public: Path, content: bytes) -> None:
    (bundle / SIGNATURE).write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.sig (is no signature|cannot be read)"):
        load_bundle(bundle, public)


NO_KEY = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("content", [None, b"", NO_KEY, "the private one"])
def test_keys_that_cannot_be_used_are_not_taken_for_none(
    bundle: Path, private: Path, tmp_path: Path, content: bytes | str | None
) -> None:
    keys = tmp_path / "keys.pem"
    if content is not None:
        keys.write_bytes(private.read_bytes() if isinstance(content, str) else content)
    with pytest.raises(SettingsError, match=r"keys\.pem (is no file of keys|holds)"):
        load_bundle(bundle, keys)


def test_without_keys_a_bundle_is_loaded_without_the_library(bundle: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LOAD, bundle], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
