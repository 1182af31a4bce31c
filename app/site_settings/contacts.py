"""How people reach Doorstep, as every page and email shows it without a query of its own."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import logs
from app.core.cache import Cache
from app.core.cache_tags import CONTACTS
from app.core.db import Database
from app.payments.tax_repository import is_tax_on
from app.settings import GrievanceOfficer, Settings
from app.site_settings.repository import SavedSettings

# How old the contacts may be while this process is not told of changes, in seconds.
UNNOTIFIED_MAX_AGE_SECONDS = 5.0
MAX_AGE_SECONDS = 900.0  # tax begins with a day, of which no process is notified
log = logs.get_logger("contacts")


@dataclass(frozen=True, slots=True)
class Contacts:
    """The published contacts; "" and None for what is not set. Phones are in E.164.

    `prices_include_tax`: tax is on, which every price of the catalogue says.
    """

    email: str = ""
    phone: str = ""
    whatsapp: str = ""
    officer: GrievanceOfficer | None = None
    prices_include_tax: bool = False

    @property
    def reachable(self) -> bool:
        """Whether support can be reached at all."""
        return bool(self.email or self.phone or self.whatsapp)

    @property
    def email_url(self) -> str:
        return f"mailto:{quote(self.email, safe='@')}"

    @property
    def officer_url(self) -> str:
        return f"mailto:{quote(self.officer.email, safe='@')}" if self.officer else ""

    @property
    def whatsapp_url(self) -> str:
        return f"https://wa.me/{self.whatsapp.lstrip('+')}"


NO_CONTACTS = Contacts()


def default_contacts(settings: Settings) -> Contacts:
    """The contacts of the environment."""
    return Contacts(
        settings.support_email or "",
        settings.support_phone or "",
        settings.support_whatsapp or "",
        settings.grievance_officer,
    )


def merge_contacts(defaults: Contacts, saved: Mapping[str, str]) -> Contacts:
    """What was saved wins; the officer's name, email and hours belong together."""
    officer = GrievanceOfficer(*(saved.get(f"grievance_{field}", "") for field in GrievanceOfficer._fields))
    return Contacts(
        saved.get("support_email") or defaults.email,
        saved.get("support_phone") or defaults.phone,
        saved.get("support_whatsapp") or defaults.whatsapp,
        officer if officer.name else defaults.officer,
    )


async def load_contacts(db: AsyncSession, defaults: Contacts) -> Contacts:
    """The contacts as they are now."""
    contacts = merge_contacts(defaults, await SavedSettings(db).values())
    return replace(contacts, prices_include_tax=await is_tax_on(db))


class ContactsInMemory:
    """The contacts of a process: read at its start, and again before the first page after a change.

    A change invalidates CONTACTS in every process (app.core.cache). A process without Redis is not told of changes
    and reads them every UNNOTIFIED_MAX_AGE_SECONDS while pages are asked for.
    """

    def __init__(self, database: Database, cache: Cache, defaults: Contacts) -> None:
        self._database, self._cache, self._defaults = database, cache, defaults
        self._contacts = defaults
        self._version = -1  # of the cache, before the contacts were read; -1: never read
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    def current(self) -> Contacts:
        return self._contacts

    async def refresh(self) -> None:
        """Read the contacts again if they may have changed; while the database is down the last ones stay."""
        if self._is_current():
            return
        async with self._lock:
            if self._is_current():
                return
            version, read_at = self._cache.version, time.monotonic()
            try:
                async with self._database.reading() as db:
                    self._contacts = await load_contacts(db, self._defaults)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("contacts could not be read", error=type(error).__name__)
                return
            self._version, self._read_at = version, read_at

    def _is_current(self) -> bool:
        if self._version < 0 or self._age() > MAX_AGE_SECONDS or not self._cache.is_current(self._version, (CONTACTS,)):
            return False
        if self._cache.is_usable:
            self._version = self._cache.version
            return True
        return self._age() < UNNOTIFIED_MAX_AGE_SECONDS

    def _age(self) -> float:
        return time.monotonic() - self._read_at
