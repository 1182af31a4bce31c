"""SQL of receipts and of the public keys that they were signed with."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing
from app.core.events import Person
from app.core.references import parse_reference
from app.core.signing import SigningKey
from app.core.sql import execute, fetch, fetch_row, fetch_value

ADD_KEY = """
    INSERT INTO receipt_keys (key_id, public_key, first_used_at)
    SELECT $1::text, $2::bytea, $3::timestamptz WHERE NOT EXISTS (SELECT FROM receipt_keys WHERE key_id = $1)
    ON CONFLICT DO NOTHING
"""
ADD_RECEIPT = f"""
    WITH used_key AS ({ADD_KEY})
    INSERT INTO handover_receipts (booking_id, key_id, receipt, digest, issued_at) VALUES ($4, $1, $5, $6, $3)
"""
SELECT_KEYS = "SELECT key_id, public_key FROM receipt_keys ORDER BY id"
SELECT_OWN = """
    SELECT r.receipt, r.digest FROM handover_receipts r JOIN bookings b ON b.id = r.booking_id
     WHERE b.reference = $1 AND b.customer_id = $2
"""
SELECT_OF_BOOKING = "SELECT receipt, digest FROM handover_receipts WHERE booking_id = $1"
SELECT_BY_DIGEST = "SELECT receipt FROM handover_receipts WHERE digest = $1"


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    receipt: str
    digest: bytes


class Receipts:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def add(self, booking_id: int, key: SigningKey, receipt: str, digest: bytes, at: datetime) -> None:
        """Write the receipt, and the public key with the first receipt of each key."""
        await execute(self._db, ADD_RECEIPT, key.key_id, key.public_key, at, booking_id, receipt, digest)

    async def of_customer(self, me: Person, reference: str) -> StoredReceipt:
        """Raises Missing for another's booking, and for one without a receipt."""
        row = await fetch_row(self._db, SELECT_OWN, parse_reference(reference), me.id)
        if row is None:
            raise Missing
        return StoredReceipt(*row)

    async def of_booking(self, booking_id: int) -> StoredReceipt | None:
        row = await fetch_row(self._db, SELECT_OF_BOOKING, booking_id)
        return StoredReceipt(*row) if row else None

    async def by_digest(self, digest: bytes) -> str | None:
        receipt: str | None = await fetch_value(self._db, SELECT_BY_DIGEST, digest)
        return receipt


class ReceiptKeys:
    def __init__(self, db: AsyncSession) -> None:
        self._db = db

    async def all(self) -> dict[str, bytes]:
        """Every public key by its id, the one used first at the beginning."""
        return {row["key_id"]: row["public_key"] for row in await fetch(self._db, SELECT_KEYS)}

    async def add(self, key: SigningKey, at: datetime) -> None:
        await execute(self._db, ADD_KEY, key.key_id, key.public_key, at)
