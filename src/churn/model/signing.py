"""Sign a bundle's manifest, which has the checksum of every file, and check who signed it: Ed25519, in PEM files."""

import base64
import hashlib
import os
import re
from collections.abc import Buffer, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn.errors import BundleError, SettingsError
from churn.files import encode_json, write_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# ruff: noqa: PLC0415 - an extra, which most services do without

SIGNATURE = "manifest.sig"
MOST_SIGNATURE_BYTES = 2**10
MOST_KEYS_BYTES = 2**16
SHOWN_DIGITS = 16
PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)
MAKE_KEYS = "make a pair with `churn bundle make-keys`"
SIGN = "sign it with `churn bundle sign`, if you know where it comes from"


class _Signature(BaseModel):
    """The file beside the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(pattern=f"^[0-9a-f]{{{SHOWN_DIGITS}}}$")]
    signature: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{86}==$", description="64 bytes in Base64.")]


def make_keys(private: Path) -> tuple[Path, str]:
    """Make a pair of keys: the private one, which only its owner may read, and the public one beside it, `.pub`.

    Return the path of the public key, and its name. No file is replaced.

    Raises:
        SettingsError: a file is there already.
    """
    _require_library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = private.with_name(f"{private.name}.pub")
    for path in (private, public):
        if path.exists():
            raise SettingsError(f"{path} is there already, and no key is replaced", instead="give another path")
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    write_bytes(public, key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return public, name_key(key.public_key())


def sign_manifest(folder: Path, manifest: Buffer, private: Path) -> str:
    """Write the signature of a manifest into a bundle's folder. Return the name of the key.

    Raises:
        SettingsError: the private key cannot be used, or others may read it.
    """
    key = _load_private_key(private)
    signature = base64.b64encode(key.sign(bytes(manifest))).decode()
    content = _Signature(key=name_key(key.public_key()), signature=signature)
    write_bytes(folder / SIGNATURE, encode_json(content.model_dump()))
    return content.key


def require_signature(path: Path, manifest: Buffer, signature: Buffer | None, keys: Path) -> str:
    """Refuse a manifest that none of the public keys in a file has signed. Return the name of the key.

    Raises:
        BundleError: it is not signed, by another key, or was signed as something else.
        SettingsError: the file of keys cannot be used.
    """
    trusted = load_public_keys(keys)
    if signature is None:
        raise BundleError(f"{path} is not signed, and BUNDLE_KEYS asks for it", instead=SIGN)
    try:
        content = _Signature.model_validate_json(bytes(signature))
    except ValidationError as error:
        raise BundleError(f"{path / SIGNATURE} is no signature", instead=SIGN) from error
    if content.key not in trusted:
        raise BundleError(
            f"{path} is signed with the key {content.key}, which is not in {keys}",
            instead="sign it with a key that is trusted, or add the public key to that file",
        )
    from cryptography.exceptions import InvalidSignature

    try:
        trusted[content.key].verify(base64.b64decode(content.signature), bytes(manifest))
    except InvalidSignature as error:
        raise BundleError(
            f"{path / SIGNATURE} is not of this manifest: one of the two was changed after signing", instead=SIGN
        ) from error
    return content.key


def load_public_keys(path: Path) -> Mapping[str, "Ed25519PublicKey"]:
    """Load the public keys of a PEM file, by name.

    Raises:
        SettingsError: it cannot be read, or holds something else or nothing.
    """
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        blocks = PUBLIC.findall(_read(path))
        keys = [load_pem_public_key(block) for block in blocks]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{path} holds a key that cannot be read", instead=MAKE_KEYS) from error
    ours = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ours or len(ours) < len(keys):
        raise SettingsError(f"{path} holds no public key of Ed25519, or another key too", instead=MAKE_KEYS)
    return {name_key(key): key for key in ours}


def name_key(key: "Ed25519PublicKey") -> str:
    """Return the first digits of the SHA-256 of a public key, by which people and signatures name it."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:SHOWN_DIGITS]


def _load_private_key(path: Path) -> "Ed25519PrivateKey":
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"others may read the private key {path}", instead=f"chmod 600 {path}")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{path} holds no private key without a password", instead=MAKE_KEYS) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{path} holds a key of another kind than Ed25519", instead=MAKE_KEYS)
    return key


def _read(path: Path) -> bytes:
    try:
        if not path.is_file() or path.stat().st_size > MOST_KEYS_BYTES:
            raise SettingsError(f"{path} is no file of keys", instead=MAKE_KEYS)
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", instead=MAKE_KEYS) from error


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "signatures of bundles need the extra `signing`",
            instead="install it with `pip install 'streamflow-churn[signing]'`",
        ) from error
