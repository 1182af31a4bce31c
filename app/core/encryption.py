"""Secrets that must be shown again to one person: sealed with AES-GCM; and keyed digests to compare them by."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Vault:
    """Keys derived from SECRET_KEY, one per purpose. `context` binds a sealed value to its row."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._keys: dict[str, bytes] = {}

    def key(self, purpose: str) -> bytes:
        if purpose not in self._keys:
            derived = HKDF(SHA256(), 32, salt=None, info=b"doorstep " + purpose.encode()).derive(self._secret)
            self._keys[purpose] = derived
        return self._keys[purpose]

    def seal(self, text: str, context: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(self.key("seal")).encrypt(nonce, text.encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> str | None:
        """The text, or None when it was sealed elsewhere or with another key."""
        try:
            return AESGCM(self.key("seal")).decrypt(sealed[:12], sealed[12:], context.encode()).decode()
        except InvalidTag:
            return None

    def digest(self, text: str, context: str) -> bytes:
        return hmac.new(self.key("digest"), f"{context}\0{text}".encode(), hashlib.sha256).digest()

    def matches(self, text: str, context: str, digest: bytes) -> bool:
        return hmac.compare_digest(self.digest(text, context), digest)
