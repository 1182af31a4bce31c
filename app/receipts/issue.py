"""Sign and store the receipt of a handover, in the transaction that completes the booking."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.booking import Booking
from app.core.encryption import Encryption
from app.core.signing import read_token
from app.receipts.receipt import receipt_payload, short_digest
from app.receipts.repository import Receipts


async def issue_receipt(db: AsyncSession, booking: Booking, encryption: Encryption) -> None:
    """Called for every completed booking, by its finish code or by the clock."""
    key = encryption.signing_key
    receipt = key.sign(receipt_payload(booking))
    token = read_token(receipt)
    assert token is not None
    assert booking.completed_at is not None
    await Receipts(db).add(booking.id, key, receipt, short_digest(token.signature), booking.completed_at)
