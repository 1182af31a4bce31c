"""Encryption (AES-GCM) of secrets that must be read again, and keyed digests (HMAC) to compare secrets by."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Encryption:
    """Derives one key per purpose from SECRET_KEY. `context` binds an encrypted value to its row."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._keys: dict[str, bytes] = {}

    def key(self, purpose: str) -> bytes:
        """Return the 32-byte key for `purpose` (HKDF-SHA256)."""
        if purpose not in self._keys:
            derived = HKDF(SHA256(), 32, salt=None, info=b"doorstep " + purpose.encode()).derive(self._secret)
            self._keys[purpose] = derived
        return self._keys[purpose]

    def encrypt(self, text: str, context: str) -> bytes:
        """Return the nonce and the ciphertext."""
        return self.encrypt_bytes(text.encode(), context)

    def decrypt(self, encrypted: bytes, context: str) -> str | None:
        """Return the text, or None if it was encrypted for another context or with another key."""
        plain = self.decrypt_bytes(encrypted, context)
        return plain.decode() if plain is not None else None

    def encrypt_bytes(self, plain: bytes, context: str) -> bytes:
        """Return the nonce and the ciphertext."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.key("seal")).encrypt(nonce, plain, context.encode())

    def decrypt_bytes(self, encrypted: bytes, context: str) -> bytes | None:
        """Return the bytes, or None if they were encrypted for another context or with another key."""
        if len(encrypted) < 28:  # a nonce and a tag
            return None
        try:
            return AESGCM(self.key("seal")).decrypt(encrypted[:12], encrypted[12:], context.encode())
        except InvalidTag:
            return None

    def digest(self, text: str, context: str) -> bytes:
        """Return a keyed digest (HMAC-SHA256) of `text`."""
        return hmac.new(self.key("digest"), f"{context}\0{text}".encode(), hashlib.sha256).digest()

    def matches(self, text: str, context: str, digest: bytes) -> bool:
        """Compare `text` with a digest in constant time."""
        return hmac.compare_digest(self.digest(text, context), digest)
