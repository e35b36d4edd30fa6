"""Keys that sign statements, and the public keys that are trusted: Ed25519 of one's own, or ECDSA in AWS KMS.

`cryptography` is no dependency of layerctl: who signs installs it, as the extra ``signing`` says.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from layerctl.core.errors import LayerctlError
from layerctl.core.files.read import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["FileKey", "KmsKey", "PublicKey", "Signer", "new_key", "require_cryptography"]

# What KMS signs as it is; and bits of a curve -> KMS's signing algorithm for it, and its hash.
_MAX_RAW = 4096  # bytes (AWS KMS API reference, Sign, Message)
_KMS = {256: ("ECDSA_SHA_256", "sha256"), 384: ("ECDSA_SHA_384", "sha384")}


def require_cryptography() -> None:
    """Say what is missing before anything is done.

    Raises:
        LayerctlError: `cryptography` is not installed.
    """
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise LayerctlError("signatures need cryptography", hint="pip install 'cryptography>=44'") from None


@dataclass(frozen=True)
class PublicKey:
    """A key that statements are checked with: Ed25519, or ECDSA on P-256 or P-384.

    Attributes:
        name: how messages name it, e.g. its file.
    """

    key: Ed25519PublicKey | EllipticCurvePublicKey
    name: str

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """Read a public key in PEM (SubjectPublicKeyInfo, RFC 5280).

        Raises:
            LayerctlError: the file cannot be read, or holds no such key.
        """
        require_cryptography()
        return cls.parse(read_bytes(path, missing="name a file in PEM"), str(path))

    @classmethod
    def parse(cls, data: bytes, name: str) -> PublicKey:
        """Read a public key in PEM or DER; `name` names it in messages.

        Raises:
            LayerctlError: it is no such key.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        if b"PRIVATE KEY" in data:
            raise LayerctlError(f"{name} is a private key", hint="name the public one: `layerctl attest public-key`")
        try:
            pem = b"-----BEGIN" in data
            key = serialization.load_pem_public_key(data) if pem else serialization.load_der_public_key(data)
        except (ValueError, UnsupportedAlgorithm):
            raise LayerctlError(
                f"{name} is no public key in PEM", hint="`layerctl attest public-key` writes one"
            ) from None
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1)):
            return cls(key, name)
        if isinstance(key, ed25519.Ed25519PublicKey):
            return cls(key, name)
        raise LayerctlError(f"{name} is of another kind", hint="expected Ed25519, or ECDSA on P-256 or P-384")

    @cached_property
    def id(self) -> str:
        """The SHA-256 (hex) of the key in DER, by which envelopes name it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return hashlib.sha256(self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    @property
    def pem(self) -> str:
        """The key as a file has it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def accepts(self, signature: bytes, data: bytes) -> bool:
        """Whether this key made the signature of `data`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                self.key.verify(signature, data)
            else:
                by_size = {256: hashes.SHA256(), 384: hashes.SHA384()}
                self.key.verify(signature, data, ec.ECDSA(by_size[self.key.curve.key_size]))
        except InvalidSignature:
            return False
        return True


class Signer(Protocol):
    """What signs: its public key, and a signature of some bytes."""

    @property
    def public(self) -> PublicKey:
        """The key that the signatures are checked with."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature."""


@dataclass(frozen=True)
class FileKey:
    """An Ed25519 private key in a file: PEM, PKCS #8 (RFC 5958, RFC 8410), unencrypted."""

    key: Ed25519PrivateKey
    name: str

    @classmethod
    def load(cls, path: Path) -> FileKey:
        """Read a private key.

        Raises:
            LayerctlError: the file cannot be read, holds no such key, or others may read it.
        """
        require_cryptography()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        data = read_bytes(path, missing="name a file in PEM")
        if path.stat().st_mode & 0o077:
            raise LayerctlError(f"{path} can be read by others", hint=f"chmod 600 {path}")
        try:
            key = load_pem_private_key(data, None)
        except TypeError:
            raise LayerctlError(f"{path} is encrypted", hint="decrypt it for the time of signing") from None
        except (ValueError, UnsupportedAlgorithm):
            raise LayerctlError(
                f"{path} is no private key in PEM", hint="`layerctl attest new-key` makes one"
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise LayerctlError(f"{path} is no Ed25519 key", hint="`layerctl attest new-key` makes one")
        return cls(key, str(path))

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.key.public_key(), self.name)

    def sign(self, data: bytes) -> bytes:
        """Return the signature (RFC 8032)."""
        return self.key.sign(data)


@dataclass
class KmsKey:
    """An ECDSA key in AWS KMS that never leaves it; `client` is boto3's, `key_id` an id, ARN or alias."""

    client: Any
    key_id: str

    @cached_property
    def public(self) -> PublicKey:
        """The public half, of `kms:GetPublicKey`.

        Raises:
            LayerctlError: the key is not there, not for signing, or of another kind; AWS cannot be asked.
        """
        require_cryptography()
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

        answer = self._call("get_public_key")
        found = PublicKey.parse(answer["PublicKey"], f"KMS key {self.key_id}")
        if answer["KeyUsage"] != "SIGN_VERIFY" or not isinstance(found.key, EllipticCurvePublicKey):
            raise LayerctlError(f"{found.name} signs in another way", hint=f"make one of {_SPECS}")
        return found

    def sign(self, data: bytes) -> bytes:
        """Return the signature of `kms:Sign`, made over a digest where KMS does not take the bytes themselves.

        Raises:
            LayerctlError: see `public`.
        """
        public = self.public
        algorithm, name = _KMS[public.key.key_size]  # type: ignore[union-attr]
        small = len(data) <= _MAX_RAW
        message = data if small else hashlib.new(name, data).digest()
        kind = "RAW" if small else "DIGEST"
        answer = self._call("sign", Message=message, MessageType=kind, SigningAlgorithm=algorithm)
        signature = bytes(answer["Signature"])
        if not public.accepts(signature, data):
            raise LayerctlError(f"KMS key {self.key_id} signed something else", hint="run again")
        return signature

    def _call(self, method: str, **arguments: object) -> dict[str, Any]:
        from layerctl.aws.failures import UNREACHABLE, describe

        try:
            answer: dict[str, Any] = getattr(self.client, method)(KeyId=self.key_id, **arguments)
        except UNREACHABLE as error:
            failure = describe(error, self.client.meta.region_name)
            raise LayerctlError(f"KMS key {self.key_id}: {failure.what}", hint=failure.hint) from None
        return answer


_SPECS = "ECC_NIST_P256 or ECC_NIST_P384 with usage SIGN_VERIFY"


def new_key(path: Path) -> PublicKey:
    """Make an Ed25519 key: the private half in `path` (mode 0600), the public one beside it as ``.pub``.

    Raises:
        LayerctlError: one of the files exists already, or cannot be written.
    """
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    public = PublicKey(key.public_key(), str(path))
    beside = path.with_name(f"{path.name}.pub")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for target, data, mode in ((path, private, 0o600), (beside, public.pem.encode(), 0o644)):
        try:
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(data)
        except FileExistsError:
            if target == beside:
                path.unlink()
            raise LayerctlError(f"{target} exists", hint="a key is never overwritten: name another file") from None
        except OSError as error:
            raise LayerctlError(f"{target} cannot be written: {error.strerror}") from None
    return public
