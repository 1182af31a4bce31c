"""Rate limits with backoff for sign-in and similar attempts. They slow down but never lock out.

An attempt is counted before the password is compared, in a transaction of its own, so that concurrent attempts count
like sequential ones. A password reset by email forgets the earlier attempts. A device that signed in to the account
before, and a browser that is signed in, are counted for themselves alone (docs/decisions/0035-device-tokens.md).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.core.errors import RateLimited
from app.core.i18n import ngettext
from app.core.network import client_network

RESET_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """`free_attempts` without waiting, then `first_wait`, doubled with each further attempt up to `max_wait`."""

    name: str
    free_attempts: int
    first_wait: timedelta
    max_wait: timedelta

    def wait(self, count: int) -> timedelta:
        if count < self.free_attempts:
            return timedelta()
        return min(self.first_wait * (1 << min(count - self.free_attempts, 20)), self.max_wait)


FIRST_WAIT = timedelta(seconds=15)
# One account from one network; one account from everywhere, where a stranger must not make the owner wait for long;
# and many accounts from one network, which many people may share.
ACCOUNT_HERE = BackoffPolicy("here", 5, FIRST_WAIT, timedelta(minutes=15))
ACCOUNT = BackoffPolicy("account", 20, FIRST_WAIT, timedelta(minutes=2))
NETWORK = BackoffPolicy("network", 50, FIRST_WAIT, timedelta(minutes=5))
# One device that signed in to the account before, or a signed-in browser: no stranger's attempt counts under it.
DEVICE = BackoffPolicy("device", 5, FIRST_WAIT, timedelta(minutes=15))
APPLICATIONS = BackoffPolicy(
    "joining", 12, FIRST_WAIT, timedelta(minutes=10)
)  # applications with documents from one network
MAX_CODES_PER_HOUR = 5  # sign-in codes to one address
EMAILS = BackoffPolicy("mails", 3, timedelta(minutes=5), timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """The number of attempts since `first_at`, and the time before which the next is rejected."""

    count: int
    first_at: datetime
    wait_until: datetime


@dataclass(frozen=True, slots=True)
class RateLimitKey:
    """What is counted: a policy and its subject. The key holds a digest, never an IP or email address."""

    policy: BackoffPolicy
    subject: str

    @property
    def key(self) -> str:
        return f"{self.policy.name}:{hashlib.sha256(self.subject.encode()).hexdigest()[:32]}"

    def hit(self, attempts: AttemptCount, now: datetime) -> AttemptCount:
        """Count one more attempt. Raises RateLimited, counting nothing, when it comes too early."""
        if attempts.wait_until > now and attempts.count >= self.policy.free_attempts:
            raise rate_limited(attempts.wait_until)
        expired = attempts.wait_until + RESET_AFTER < now
        count = 1 if expired else attempts.count + 1
        return AttemptCount(count, now if expired else attempts.first_at, now + self.policy.wait(count))


def sign_in_keys(email: str, address: str, device: bytes | None = None) -> list[RateLimitKey]:
    """The keys that an attempt to sign in counts under. `device`: the digest of a device that the account knows."""
    account, client = email.strip().lower(), client_network(address)
    if device is not None:
        return [RateLimitKey(DEVICE, f"{account} {device.hex()}")]
    return [
        RateLimitKey(ACCOUNT_HERE, f"{account} {client}"),
        RateLimitKey(ACCOUNT, account),
        RateLimitKey(NETWORK, client),
    ]


def session_keys(session_id: int) -> list[RateLimitKey]:
    """The key of a signed-in browser that proves the password again."""
    return [RateLimitKey(DEVICE, f"session {session_id}")]


def email_keys(email: str, address: str, device: bytes | None = None) -> list[RateLimitKey]:
    """The keys of emails that anyone may have sent to an address: few per address, more per network.

    `device`: as for sign_in_keys.
    """
    if device is not None:
        return [RateLimitKey(EMAILS, f"{email.strip().lower()} {device.hex()}")]
    return [RateLimitKey(EMAILS, email.strip().lower()), RateLimitKey(NETWORK, f"mails {client_network(address)}")]


def application_keys(address: str) -> list[RateLimitKey]:
    """The keys of an application, whose document is expensive to scan."""
    return [RateLimitKey(APPLICATIONS, client_network(address))]


def sorted_keys(keys: Sequence[RateLimitKey]) -> list[str]:
    """The keys in the order in which their rows are locked."""
    return sorted(key.key for key in keys)


def rate_limited(until: datetime) -> RateLimited:
    """The refusal that says when the next attempt is possible."""
    seconds = max(1, int((until - clock.now()).total_seconds()) + 1)
    if seconds < 60:
        message = ngettext(
            "Too many attempts. Wait 1 second, then try again.",
            "Too many attempts. Wait %(num)s seconds, then try again.",
            seconds,
        )
    else:
        message = ngettext(
            "Too many attempts. Wait 1 minute, then try again.",
            "Too many attempts. Wait %(num)s minutes, then try again.",
            -(-seconds // 60),
        )
    return RateLimited(message, seconds)
