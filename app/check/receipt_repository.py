"""Receipts of handovers: each completed booking has its own, and each is what was signed."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.check.invariants import Invariant
from app.core.signing import is_signed_with, read_token, thumbprint
from app.receipts.receipt import code_proof, short_digest

RECEIPT_INVARIANT = Invariant(
    "handovers-have-receipts",
    "Every booking that was completed since there are receipts has one, and no other booking has",
    """
    SELECT 'booking ' || b.reference
      FROM (SELECT DISTINCT split_part(subject, '-', 2) AS reference FROM events
             WHERE name = 'booking.completed' AND facts ? 'receipt') done
      FULL JOIN (handover_receipts r JOIN bookings of_receipt ON of_receipt.id = r.booking_id)
        ON of_receipt.reference = done.reference
      JOIN bookings b ON b.reference = coalesce(done.reference, of_receipt.reference)
     WHERE done.reference IS NULL OR r.booking_id IS NULL
    """,
)
SELECT_RECEIPTS = """
    SELECT b.reference, r.receipt, r.digest, k.key_id, k.public_key,
           (SELECT jsonb_object_agg(c.phase, encode(c.digest, 'hex')) FROM codes c
             WHERE c.booking_id = b.id AND c.used_at IS NOT NULL) AS codes,
           (SELECT jsonb_object_agg(e.seq::text, encode(e.hash, 'hex')) FROM events e
             WHERE e.subject = 'booking-' || b.reference AND e.name = 'booking.completed') AS completed
      FROM handover_receipts r JOIN bookings b ON b.id = r.booking_id JOIN receipt_keys k ON k.key_id = r.key_id
     ORDER BY b.id
"""
IN_BATCHES = {"yield_per": 1000}


async def find_broken_receipts(db: AsyncSession) -> AsyncGenerator[str, None]:
    async for row in await db.stream(text(SELECT_RECEIPTS), execution_options=IN_BATCHES):
        if not _is_genuine(row):
            yield f"booking {row.reference}"


def _is_genuine(row: Row[Any]) -> bool:
    token = read_token(row.receipt)
    if token is None or token.key_id != row.key_id or thumbprint(row.public_key) != row.key_id:
        return False
    if not is_signed_with(token, row.public_key) or short_digest(token.signature) != row.digest:
        return False
    payload = json.loads(token.payload)
    proofs = [_is_proven(proof, (row.codes or {}).get(phase)) for phase, proof in payload["codes"].items() if proof]
    history = payload["history"]
    in_chain = (row.completed or {}).get(str(history["events"])) == history["head"]
    return bool(payload["booking"] == row.reference and in_chain and all(proofs))


def _is_proven(proof: dict[str, str], code_digest: str | None) -> bool:
    salt = bytes.fromhex(proof["salt"])
    return code_digest is not None and code_proof(salt, bytes.fromhex(code_digest)) == proof["digest"]
