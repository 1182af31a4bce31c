"""Verify a receipt: valid, altered or unknown, and nothing more than the receipt itself says."""

import enum
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.encryption import Encryption
from app.core.signing import canonical_json, decode, is_signed_with, key_id_of, read_token
from app.receipts.receipt import DIGEST_BYTES, short_digest
from app.receipts.repository import ReceiptKeys, Receipts

MAX_RECEIPT_BYTES = 100_000
MAX_REQUEST_BYTES = 400_000  # in a form each character of a file may take three
SIGNATURE_CHARACTERS = 86


class Verdict(enum.StrEnum):
    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verification:
    """`payload` is what a valid receipt says; None for every other."""

    verdict: Verdict
    payload: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    """What was shown: a receipt, and the payload beside it in a file of ours."""

    receipt: str
    payload: bytes | None = None


async def public_keys(db: AsyncSession, encryption: Encryption) -> dict[str, bytes]:
    """Every key of ours by its id, also those that nothing was signed with yet."""
    own = [encryption.signing_key, *([encryption.previous.signing_key] if encryption.previous else [])]
    return {**await ReceiptKeys(db).all(), **{key.key_id: key.public_key for key in own}}


async def verify_receipt(db: AsyncSession, encryption: Encryption, text: str) -> Verification:
    """`text` is a receipt, the file handover.json, or the short digest of a printed page."""
    shown = read_shown(text.strip())
    if shown is None:
        return Verification(Verdict.UNKNOWN)
    receipt = shown.receipt
    if (digest := _short(receipt)) is not None:
        stored = await Receipts(db).by_digest(digest)
        if stored is None:
            return Verification(Verdict.UNKNOWN)
        receipt = stored
    public_key = (await public_keys(db, encryption)).get(key_id_of(receipt.partition(".")[0]) or "")
    if public_key is None:
        return Verification(Verdict.ALTERED if await _has_our_signature(db, receipt) else Verdict.UNKNOWN)
    token = read_token(receipt)
    if token is None or not is_signed_with(token, public_key):
        return Verification(Verdict.ALTERED)
    if shown.payload is not None and shown.payload != token.payload:
        return Verification(Verdict.ALTERED)
    return Verification(Verdict.VALID, json.loads(token.payload))


def read_shown(text: str) -> ShownReceipt | None:
    """None for what cannot be a receipt or its file."""
    if not text.startswith("{"):
        return ShownReceipt(text)
    try:
        document = json.loads(text)
        receipt = document["receipt"]
        payload = canonical_json(document["payload"]) if "payload" in document else None
    except (ValueError, KeyError, RecursionError):
        return None
    return ShownReceipt(receipt.strip(), payload) if isinstance(receipt, str) else None


def _short(text: str) -> bytes | None:
    digest = decode(text)
    return digest if digest is not None and len(digest) == DIGEST_BYTES else None


async def _has_our_signature(db: AsyncSession, receipt: str) -> bool:
    """Whether the signature is that of a receipt of ours: its beginning, which names the key, was altered."""
    last = receipt.rpartition(".")[2]
    signature = decode(last) if len(last) == SIGNATURE_CHARACTERS else None
    return signature is not None and await Receipts(db).by_digest(short_digest(signature)) is not None
