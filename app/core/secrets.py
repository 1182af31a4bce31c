"""Passwords and tokens: made and compared here only. What must be read again is sealed by app.core.encryption."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from app.core.encryption import Vault

T = TypeVar("T")

# Two at a time: each hash holds 19 MB and a core, and sign-ins must not starve the rest.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


class Passwords:
    """argon2id, off the event loop. The pepper makes a stolen table useless without SECRET_KEY."""

    def __init__(self, vault: Vault, *, cheap: bool = False) -> None:
        """`cheap` is for tests: the least argon2 allows."""
        time_cost, memory = (1, 8) if cheap else (2, 19456)
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory, parallelism=1)
        self._vault = vault
        self._nobody = ""

    async def hash(self, password: str) -> str:
        return await _aside(self._hasher.hash, self._peppered(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """False also for `stored` None (no such person), after the same work."""
        return await _aside(self._matches, stored, self._peppered(password)) and stored is not None

    def _matches(self, stored: str | None, peppered: str) -> bool:
        try:
            return self._hasher.verify(stored or self._hash_of_nobody(), peppered)
        except (Argon2Error, InvalidHashError):
            return False

    def _hash_of_nobody(self) -> str:
        self._nobody = self._nobody or self._hasher.hash(secrets.token_hex(16))
        return self._nobody

    def _peppered(self, password: str) -> str:
        return self._vault.digest(password, "password").hex()


async def _aside(work: Callable[..., T], *args: str | None) -> T:
    return await asyncio.get_running_loop().run_in_executor(_hashing, work, *args)


def new_token() -> str:
    """256 random bits for a cookie, a link or an API client; only its digest() is ever stored."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
