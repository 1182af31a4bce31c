"""Remember a payment method for the next payment, use it, and remove it.

Only the pretend bank's token is stored, encrypted for its customer; the bank answers to it as to the method itself.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.repository import Users
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing
from app.core.events import Person
from app.core.i18n import _
from app.core.references import parse_row_id
from app.payments import pretend_bank
from app.payments.pretend_bank import Instrument
from app.payments.saved_method import (
    CONFIRMATION_PERIOD,
    MAX_SAVED_METHODS,
    RETENTION_AFTER_EXPIRY,
    RETENTION_AFTER_USE,
    SavedMethod,
)


class SavedMethods:
    """The remembered methods of one customer."""

    def __init__(self, db: AsyncSession, me: Person) -> None:
        self._db = db
        self._me = me

    async def all(self) -> Sequence[SavedMethod]:
        """The one used last first."""
        return (await self._db.scalars(self._own().order_by(SavedMethod.used_at.desc(), SavedMethod.id))).all()

    async def instrument(self, encryption: Encryption, saved_id: str) -> Instrument:
        """The instrument to charge. Raises Invalid for one that is not theirs or whose card has expired."""
        row_id = parse_row_id(saved_id.strip())
        found = await self._db.scalar(self._own().where(SavedMethod.id == row_id)) if row_id else None
        token = encryption.decrypt(found.encrypted_token, _context(self._me)) if found else None
        if found is None or token is None:
            raise Invalid({"saved_id": _("Choose a payment method.")})
        if found.is_expired:
            raise Invalid({"saved_id": _("This card has expired. Use another card.")})
        return pretend_bank.instrument_of_token(token, found.brand, found.last4, found.masked_id)

    async def remember(self, encryption: Encryption, instrument: Instrument, *, confirmed: bool) -> None:
        """Save the method, or renew it; `confirmed` is false while the bank waits for its code."""
        user = await Users(self._db).get(self._me.id, lock=True)
        now, token = clock.now(), pretend_bank.token_of(instrument)
        values = {
            "customer_id": user.id,
            "method": instrument.method,
            "brand": instrument.brand,
            "last4": instrument.last4,
            "expires_on": instrument.expires_on,
            "masked_id": instrument.masked_id,
            "encrypted_token": encryption.encrypt(token, _context(self._me)),
            "created_at": now,
            "confirmed_at": now if confirmed else None,
            "used_at": now,
        }
        renewed = {name: values[name] for name in ("expires_on", "encrypted_token", "confirmed_at", "used_at")}
        upsert = insert(SavedMethod).values(values)
        await self._db.execute(upsert.on_conflict_do_update(constraint="saved_methods_key", set_=renewed))
        await self._drop_oldest()
        user.record("person.payment_method_saved", by=user, method=instrument.method)

    async def use(self, saved_id: int) -> None:
        """Remember that it was paid with, so that it comes first the next time."""
        found = await self._db.scalar(self._own().where(SavedMethod.id == saved_id))
        if found is not None:
            found.used_at = clock.now()

    async def confirm(self, brand: str | None, last4: str | None) -> None:
        """The bank's code was right: show the cards of this brand and these digits from now on."""
        waiting = select(SavedMethod).where(
            SavedMethod.customer_id == self._me.id,
            SavedMethod.brand.is_not_distinct_from(brand),
            SavedMethod.last4 == last4,
            SavedMethod.confirmed_at.is_(None),
        )
        for method in await self._db.scalars(waiting):
            method.confirmed_at = clock.now()

    async def remove(self, saved_id: int) -> None:
        """Raises Missing for another customer's."""
        user = await Users(self._db).get(self._me.id, lock=True)
        found = (
            await self._db.scalar(self._own().where(SavedMethod.id == saved_id))
            if parse_row_id(str(saved_id))
            else None
        )
        if found is None:
            raise Missing
        await self._db.delete(found)
        user.record("person.payment_method_removed", by=user, method=found.method)

    def _own(self) -> Select[SavedMethod]:
        return select(SavedMethod).where(SavedMethod.customer_id == self._me.id, SavedMethod.confirmed_at.is_not(None))

    async def _drop_oldest(self) -> None:
        own = select(SavedMethod.id).where(SavedMethod.customer_id == self._me.id)
        extra = own.order_by(SavedMethod.used_at.desc(), SavedMethod.id.desc()).offset(MAX_SAVED_METHODS)
        await self._db.execute(delete(SavedMethod).where(SavedMethod.id.in_(extra)))


async def prune(db: AsyncSession, now: datetime) -> int:
    """Delete cards that no code confirmed, that expired long ago, and methods not used for two years."""
    old = or_(
        SavedMethod.confirmed_at.is_(None) & (SavedMethod.created_at < now - CONFIRMATION_PERIOD),
        SavedMethod.expires_on < (now - RETENTION_AFTER_EXPIRY).date(),
        SavedMethod.used_at < now - RETENTION_AFTER_USE,
    )
    return len((await db.scalars(delete(SavedMethod).where(old).returning(SavedMethod.id))).all())


def _context(me: Person) -> str:
    return f"saved method of {me.id}"
