"""The envelope: DSSE v1, JSON (https://github.com/secure-systems-lab/dsse)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerctl.core.files.read import unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from layerctl.attest.keys import Signer

__all__ = ["PAYLOAD_TYPE", "Envelope", "Signature"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_MAX = 16 << 20  # bytes; an attestation of a layer has a few thousand


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature, and the id of the key that is said to have made it (a hint: nothing proves it but the check)."""

    key_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, its type, and who signed both."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What is signed: DSSE's pre-authentication encoding of type and payload."""
        kind = self.payload_type.encode()
        return b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(self.payload), self.payload])

    @classmethod
    def sign(cls, statement: dict[str, Any], signer: Signer) -> Envelope:
        """Return a signed statement.

        Raises:
            LayerctlError: the key cannot be used.
        """
        unsigned = cls(json.dumps(statement, sort_keys=True, ensure_ascii=False).encode(), PAYLOAD_TYPE, ())
        signature = Signature(signer.public.id, signer.sign(unsigned.signed_bytes))
        return cls(unsigned.payload, PAYLOAD_TYPE, (signature,))

    def to_json(self) -> str:
        """Return the envelope as it is written to disk."""
        signatures = [{"keyid": signature.key_id, "sig": _encode(signature.value)} for signature in self.signatures]
        data = {"payloadType": self.payload_type, "payload": _encode(self.payload), "signatures": signatures}
        return json.dumps(data, indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> Envelope:
        """Read an envelope.

        Raises:
            LayerctlError: the file cannot be read.
            ValueError: it is no DSSE envelope; the message says why.
        """
        try:
            with path.open("rb") as file:
                data = file.read(_MAX + 1)
        except OSError as error:
            raise unreadable(path, error, missing="`layerctl attest sign` writes it") from None
        if len(data) > _MAX:
            raise ValueError(f"it has more than {_MAX:,} bytes")
        return cls.parse(data)

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Read an envelope from its bytes.

        Raises:
            ValueError: it is none; the message says why.
        """
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise ValueError("it is not JSON") from None
        if not isinstance(found, dict):
            raise ValueError("it is no JSON object")
        kind, signatures = found.get("payloadType"), found.get("signatures")
        if not isinstance(kind, str) or not isinstance(signatures, list) or not signatures:
            raise ValueError("it lacks payloadType or signatures")
        parsed = []
        for signature in signatures:
            if not isinstance(signature, dict) or not isinstance(signature.get("keyid") or "", str):
                raise ValueError("a signature is no object with keyid and sig")
            parsed.append(Signature(signature.get("keyid") or "", _decode(signature.get("sig"), "a signature")))
        return cls(_decode(found.get("payload"), "the payload"), kind, tuple(parsed))


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: object, what: str) -> bytes:
    """Read base64, the URL-safe alphabet included, as DSSE asks of readers."""
    try:
        assert isinstance(text, str)
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (AssertionError, binascii.Error, ValueError):
        raise ValueError(f"{what} is not base64") from None
