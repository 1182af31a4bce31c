"""Encryption (AES-GCM) of secrets that must be read again, and keyed digests (HMAC) to compare secrets by."""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.signing import SigningKey


class Encryption:
    """Derives one key per purpose from SECRET_KEY. `context` binds an encrypted value to its row.

    What was made with `previous_key` is still read and compared; what is made uses `secret_key`. Receipts are signed
    with `receipt_secret`, and without it with a key of `secret_key`.
    """

    def __init__(self, secret_key: str, previous_key: str | None = None, receipt_secret: str | None = None) -> None:
        self._secret = secret_key.encode()
        self._receipt_secret = receipt_secret
        self._keys: dict[str, bytes] = {}
        self._signing_key: SigningKey | None = None
        self.previous = Encryption(previous_key, receipt_secret=receipt_secret) if previous_key else None

    def key(self, purpose: str) -> bytes:
        """Return the 32-byte key for `purpose` (HKDF-SHA256)."""
        if purpose not in self._keys:
            self._keys[purpose] = _derive(self._secret, purpose)
        return self._keys[purpose]

    @property
    def signing_key(self) -> SigningKey:
        """The key that receipts are signed with now."""
        if self._signing_key is None:
            secret = self._receipt_secret.encode() if self._receipt_secret else self._secret
            self._signing_key = SigningKey(_derive(secret, "receipts"))
        return self._signing_key

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
        plain = self._decrypt_current(encrypted, context)
        if plain is None and self.previous is not None:
            return self.previous.decrypt_bytes(encrypted, context)
        return plain

    def is_current(self, encrypted: bytes, context: str) -> bool:
        """Whether the value can be decrypted without the previous key."""
        return self._decrypt_current(encrypted, context) is not None

    def digest(self, text: str, context: str) -> bytes:
        """Return a keyed digest (HMAC-SHA256) of `text`."""
        return hmac.new(self.key("digest"), f"{context}\0{text}".encode(), hashlib.sha256).digest()

    def digests(self, text: str, context: str) -> tuple[bytes, ...]:
        """Every digest that `text` may have been stored or sent with: the present one first, then the previous."""
        earlier = (self.previous.digest(text, context),) if self.previous is not None else ()
        return (self.digest(text, context), *earlier)

    def matches(self, text: str, context: str, digest: bytes) -> bool:
        """Compare `text` with a digest in constant time."""
        return any(hmac.compare_digest(candidate, digest) for candidate in self.digests(text, context))

    def _decrypt_current(self, encrypted: bytes, context: str) -> bytes | None:
        if len(encrypted) < 28:  # a nonce and a tag
            return None
        try:
            return AESGCM(self.key("seal")).decrypt(encrypted[:12], encrypted[12:], context.encode())
        except InvalidTag:
            return None


def _derive(secret: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"doorstep " + purpose.encode()).derive(secret)
