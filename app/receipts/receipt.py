"""The receipt of a handover: what a completed booking was, signed, so that it can be verified without an account.

People are named by reference, and the codes by salted digests, so that it may be shown to a third person and need not
be erased with an account (docs/decisions/0043-receipts-of-handovers.md).
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.bookings.booking import Booking
from app.bookings.code import Code, CodePhase
from app.bookings.extra import ExtraState
from app.core.datetimes import to_ist
from app.core.orm import Base
from app.core.signing import canonical_json

RECEIPT_TYPE = "doorstep-handover/1"
SALT_BYTES = 16
DIGEST_BYTES = 16


class ReceiptKey(Base):
    """The public half of a key that receipts were signed with; it is kept when the key is replaced."""

    __tablename__ = "receipt_keys"
    __table_args__ = (CheckConstraint("length(public_key) = 32", name="receipt_keys_public_key_check"),)
    key_id: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    first_used_at: Mapped[datetime]


class HandoverReceipt(Base):
    """The signed receipt of one booking, written when it was completed and never changed."""

    __tablename__ = "handover_receipts"
    __table_args__ = (
        CheckConstraint(f"length(digest) = {DIGEST_BYTES}", name="handover_receipts_digest_check"),
        CheckConstraint(r"receipt ~ '^[\w-]+\.[\w-]+\.[\w-]{86}$'", name="handover_receipts_receipt_check"),
    )
    booking_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bookings.id"), unique=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("receipt_keys.key_id"))
    receipt: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    issued_at: Mapped[datetime]


def receipt_payload(booking: Booking) -> bytes:
    """The canonical payload of a booking that was completed just now: the end of its history is that event."""
    assert booking.event_head is not None
    extras = [extra.price for extra in booking.extras if extra.state == ExtraState.APPROVED]
    codes = {phase.value: _proof(booking, phase) for phase in CodePhase}
    return canonical_json(
        {
            "type": RECEIPT_TYPE,
            "booking": booking.reference,
            "service": {"id": booking.service_id, "name": booking.service_name},
            "customer": f"user-{booking.customer_id}",
            "professional": f"user-{booking.professional_id}",
            "times": {
                "slot_from": _moment(booking.starts_at),
                "slot_until": _moment(booking.ends_at),
                "arrived": _moment(booking.arrived_at),
                "started": _moment(booking.started_at),
                "completed": _moment(booking.completed_at),
            },
            "completed_by": "clock" if booking.completed_automatically else "finish_code",
            "codes": codes,
            "price": {
                "currency": "INR",
                "agreed_paise": booking.price,
                "extras_paise": extras,
                "total_paise": booking.total,
            },
            "history": {"events": booking.event_count, "head": booking.event_head.hex()},
        }
    )


def short_digest(signature: bytes) -> bytes:
    """By what a receipt is found: as the signature covers all of it, so does this."""
    return hashlib.sha256(signature).digest()[:DIGEST_BYTES]


def code_proof(salt: bytes, code_digest: bytes) -> str:
    """What a receipt says of a used code. Our record of the code proves it; six digits cannot be guessed from it."""
    return hashlib.sha256(salt + code_digest).hexdigest()


def _proof(booking: Booking, phase: CodePhase) -> Mapping[str, Any] | None:
    """None for a code that was not used: the clock completed the job."""
    code: Code | None = next((code for code in booking.codes if code.phase == phase and code.used_at), None)
    if code is None:
        return None
    salt = secrets.token_bytes(SALT_BYTES)
    return {"salt": salt.hex(), "digest": code_proof(salt, code.digest)}


def _moment(moment: datetime | None) -> str | None:
    return to_ist(moment).isoformat(timespec="seconds") if moment is not None else None
