"""Publicly verifiable signatures: Ed25519 in the form of compact JWS (RFC 7515, RFC 8037), written by hand."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "EdDSA"
MAX_HEADER_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """A compact JWS that was taken apart; nothing in it is verified."""

    key_id: str
    algorithm: str
    signed: bytes
    payload: bytes
    signature: bytes


class SigningKey:
    """An Ed25519 key; `key_id` is the JWK thumbprint of its public half (RFC 7638)."""

    def __init__(self, seed: bytes) -> None:
        self._private_key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._private_key.public_key().public_bytes_raw()
        self.key_id = thumbprint(self.public_key)

    def sign(self, payload: bytes) -> str:
        """Return the compact JWS of `payload`."""
        header = canonical_json({"alg": ALGORITHM, "kid": self.key_id})
        signed = f"{encode(header)}.{encode(payload)}"
        return f"{signed}.{encode(self._private_key.sign(signed.encode()))}"


def canonical_json(value: object) -> bytes:
    """The one form in which `value` is signed: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def thumbprint(public_key: bytes) -> str:
    return encode(hashlib.sha256(canonical_json(_members(public_key))).digest())


def public_jwk(key_id: str, public_key: bytes) -> dict[str, str]:
    return {**_members(public_key), "kid": key_id, "alg": ALGORITHM, "use": "sig"}


def read_token(text: str) -> Token | None:
    """Take a compact JWS apart; None for whatever has another form, or is encoded in another way than we encode."""
    parts = text.split(".")
    if len(parts) != 3 or len(parts[0]) > MAX_HEADER_CHARACTERS:
        return None
    header, payload, signature = (decode(part) for part in parts)
    fields = _parsed(header)
    if fields is None or payload is None or signature is None:
        return None
    key_id, algorithm = fields.get("kid"), fields.get("alg")
    if not isinstance(key_id, str) or not isinstance(algorithm, str) or "crit" in fields:
        return None
    return Token(key_id, algorithm, f"{parts[0]}.{parts[1]}".encode(), payload, signature)


def is_signed_with(token: Token, public_key: bytes) -> bool:
    if token.algorithm != ALGORITHM:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(token.signature, token.signed)
    except InvalidSignature:
        return False
    return True


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes | None:
    """Read base64url without padding; None unless it is exactly what encode() returns."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if encode(data) == text else None


def key_id_of(header: str) -> str | None:
    """The key that the first part of a compact JWS names, even if the rest of it is damaged."""
    fields = _parsed(decode(header)) if len(header) <= MAX_HEADER_CHARACTERS else None
    key_id = fields.get("kid") if fields else None
    return key_id if isinstance(key_id, str) else None


def _members(public_key: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": encode(public_key)}


def _parsed(header: bytes | None) -> Mapping[str, object] | None:
    try:
        fields = json.loads(header) if header is not None else None
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
