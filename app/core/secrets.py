"""Hashing of passwords and creation of tokens. Secrets that must be read again are in app.core.encryption."""

import asyncio
import hashlib
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from app.core.encryption import Encryption

T = TypeVar("T")

# Two at a time: each hash takes 19 MB and a core, and sign-ins must not starve other requests.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


PEPPER_MARK = "#"  # between a hash and the name of its pepper


class Passwords:
    """Hashes passwords with argon2id, off the event loop; a pepper makes the hashes useless without SECRET_KEY.

    A hash names the pepper it was made with. Those of earlier releases do not.
    """

    def __init__(self, encryption: Encryption, *, cheap: bool = False) -> None:
        """`cheap` uses the lowest cost that argon2 allows; for tests."""
        time_cost, memory = (1, 8) if cheap else (2, 19456)
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory, parallelism=1)
        self._encryption = encryption
        self._cached_dummy_hash = ""
        # At the end of a hash: which pepper it was made with.
        self.pepper_suffix = PEPPER_MARK + encryption.digest("name", "pepper").hex()[:8]

    async def hash(self, password: str) -> str:
        hashed = await _in_thread(self._hasher.hash, self._peppered(normal_password(password)))
        return hashed + self.pepper_suffix

    async def verify(self, stored: str | None, password: str) -> bool:
        """Compare a password with its hash; without a hash (unknown user) return False after the same work.

        Keyboards write the same letters differently, so hashes are of one form (NFKC, NIST SP 800-63B). Those of
        earlier releases are of the password as typed: in one of the other forms. While the previous SECRET_KEY is
        read, its pepper is tried for every account, so that the time says nothing.
        """
        other_forms = (unicodedata.normalize(form, password) for form in ("NFC", "NFD"))
        for candidate in dict.fromkeys((normal_password(password), password, *other_forms)):
            for peppered in self._peppered_with_each(candidate):
                if await _in_thread(self._matches, stored, peppered):
                    return stored is not None
        return False

    async def renewed(self, stored: str, password: str) -> str | None:
        """The hash to store instead of `stored`, which fits `password`; None while there is no other key to leave."""
        if self._encryption.previous is None or stored.endswith(self.pepper_suffix):
            return None
        return await self.hash(password)

    def _matches(self, stored: str | None, peppered: str) -> bool:
        hashed = stored.partition(PEPPER_MARK)[0] if stored else self._dummy_hash()
        try:
            return self._hasher.verify(hashed, peppered)
        except (Argon2Error, InvalidHashError):
            return False

    def _dummy_hash(self) -> str:
        self._cached_dummy_hash = self._cached_dummy_hash or self._hasher.hash(secrets.token_hex(16))
        return self._cached_dummy_hash

    def _peppered(self, password: str) -> str:
        return self._encryption.digest(password, "password").hex()

    def _peppered_with_each(self, password: str) -> list[str]:
        """With the present pepper, then with the previous one."""
        return [digest.hex() for digest in self._encryption.digests(password, "password")]


def normal_password(typed: str) -> str:
    """The form of a password that is hashed and compared."""
    return unicodedata.normalize("NFKC", typed)


async def _in_thread(work: Callable[..., T], *args: str | None) -> T:
    return await asyncio.get_running_loop().run_in_executor(_hashing, work, *args)


def new_token() -> str:
    """Return 256 random bits for a cookie, a link or an API client; only its digest() is stored."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return the digest by which a token is stored and found."""
    return hashlib.sha256(token.encode()).digest()
