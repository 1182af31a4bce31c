"""Wrong tries slow down the next one. They never lock anybody out, and a new password by mail always opens the way.

Each try is counted before the password is compared, in a transaction of its own, so that tries sent side by side
count like tries sent one after the other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.core.i18n import ngettext
from app.core.network import network

FORGOTTEN_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Budget:
    """`free` tries without waiting, then `first` to wait, doubled with each further one up to `longest`."""

    name: str
    free: int
    first: timedelta
    longest: timedelta

    def wait(self, count: int) -> timedelta:
        if count < self.free:
            return timedelta()
        return min(self.first * (1 << min(count - self.free, 20)), self.longest)


FIRST_WAIT = timedelta(seconds=15)
# One person's tries from one place; one account from everywhere, where a stranger must not keep the right person
# waiting for long; and one place on many accounts, where a whole street may share an address.
ACCOUNT_HERE = Budget("here", 5, FIRST_WAIT, timedelta(minutes=15))
ACCOUNT = Budget("account", 20, FIRST_WAIT, timedelta(minutes=2))
NETWORK = Budget("network", 50, FIRST_WAIT, timedelta(minutes=5))
JOINING = Budget("joining", 12, FIRST_WAIT, timedelta(minutes=10))  # papers from one place, looked at for nobody yet
MAILS_ASKED = Budget("mails", 3, timedelta(minutes=5), timedelta(hours=1))


class TooSoon(Exception):
    """The next try must wait; `seconds` goes into Retry-After."""

    def __init__(self, until: datetime) -> None:
        self.seconds = max(1, int((until - clock.now()).total_seconds()) + 1)
        super().__init__(self.words())

    def words(self) -> str:
        if self.seconds < 60:
            return ngettext(
                "Too many tries. Wait one second, then try again.",
                "Too many tries. Wait %(num)s seconds, then try again.",
                self.seconds,
            )
        return ngettext(
            "Too many tries. Wait one minute, then try again.",
            "Too many tries. Wait %(num)s minutes, then try again.",
            -(-self.seconds // 60),
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """How many tries since when, and until when the next one waits."""

    count: int
    first_at: datetime
    wait_until: datetime


@dataclass(frozen=True, slots=True)
class Purse:
    """One thing that is counted: a budget, and whose. The key holds a digest, never an address or an e-mail."""

    budget: Budget
    whose: str

    @property
    def key(self) -> str:
        return f"{self.budget.name}:{hashlib.sha256(self.whose.encode()).hexdigest()[:32]}"

    def spend(self, tally: Tally, now: datetime) -> Tally:
        """One try more; raises TooSoon when it comes too early, and then nothing is counted."""
        if tally.wait_until > now and tally.count >= self.budget.free:
            raise TooSoon(tally.wait_until)
        forgotten = tally.wait_until + FORGOTTEN_AFTER < now
        count = 1 if forgotten else tally.count + 1
        return Tally(count, now if forgotten else tally.first_at, now + self.budget.wait(count))


def sign_in_purses(email: str, address: str) -> list[Purse]:
    """All that one try to sign in is counted under."""
    account, place = email.strip().lower(), network(address)
    return [Purse(ACCOUNT_HERE, f"{account} {place}"), Purse(ACCOUNT, account), Purse(NETWORK, place)]


def mail_purses(email: str, address: str) -> list[Purse]:
    """Mails that a stranger may have sent to somebody: few per address, more per place."""
    return [Purse(MAILS_ASKED, email.strip().lower()), Purse(NETWORK, f"mails {network(address)}")]


def joining_purses(address: str) -> list[Purse]:
    """A stranger's paper, which costs us more than most things that a stranger may send."""
    return [Purse(JOINING, network(address))]


def keys_of(purses: Sequence[Purse]) -> list[str]:
    """In the order in which their rows are locked."""
    return sorted(purse.key for purse in purses)
