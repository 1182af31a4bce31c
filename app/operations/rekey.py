"""`doorstep rekey`: move what SECRET_KEY_PREVIOUS encrypted to SECRET_KEY while the site is up.

Each batch is a transaction and skips what has moved: killed half-way, it is run again.
"""

import asyncio
from dataclasses import dataclass

from app.accounts.password_hash_repository import PasswordHashes
from app.billing.encrypted_columns import BANK_ACCOUNTS
from app.bookings.encrypted_columns import CODES
from app.core.db import Database
from app.core.encrypted_column import EncryptedColumn
from app.core.encryption import Encryption
from app.core.rekey_repository import BATCH_SIZE, rekey_batch
from app.core.secrets import Passwords
from app.notifications.encrypted_columns import MESSAGES
from app.payments.encrypted_columns import SAVED_METHODS
from app.receipts.repository import ReceiptKeys
from app.webhooks.encrypted_columns import WEBHOOK_SECRETS

# Every encrypted value that is stored. A room with another one declares it and adds it here.
ENCRYPTED_COLUMNS: tuple[EncryptedColumn, ...] = (
    CODES,
    SAVED_METHODS,
    BANK_ACCOUNTS,
    *WEBHOOK_SECRETS,
    *MESSAGES,
)


@dataclass(slots=True)
class RekeyCount:
    """What became of the values of one column; `unreadable` ones fit neither key."""

    label: str
    moved: int = 0
    current: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class RekeyReport:
    """`passwords_left` were hashed with another key, and move when their owners sign in."""

    counts: list[RekeyCount]
    passwords_left: int
    earlier_receipt_keys: int

    @property
    def unreadable(self) -> int:
        return sum(count.unreadable for count in self.counts)


async def rekey(
    database: Database, encryption: Encryption, passwords: Passwords, batch_size: int = BATCH_SIZE
) -> RekeyReport:
    counts = [await _rekey_column(database, encryption, column, batch_size) for column in ENCRYPTED_COLUMNS]
    async with database.reading() as db:
        left = await PasswordHashes(db).count_without(passwords.pepper_suffix)
        earlier = (await ReceiptKeys(db).all()).keys() - {encryption.signing_key.key_id}
    return RekeyReport(counts, left, len(earlier))


def main(database: Database, encryption: Encryption, passwords: Passwords) -> int:
    """Print what was done; return 1 if something can be read with neither key."""
    report = asyncio.run(_rekey_and_close(database, encryption, passwords))
    for count in report.counts:
        unreadable = f", {count.unreadable} unreadable with either key" if count.unreadable else ""
        print(f"{count.label}: {count.moved} moved, {count.current} moved before{unreadable}.")
    print(
        f"receipts: signed with key {encryption.signing_key.key_id} from now on;"
        f" {report.earlier_receipt_keys} earlier keys still verify."
    )
    print(f"passwords: {report.passwords_left} not moved yet." + (PASSWORDS_LEFT if report.passwords_left else ""))
    return 1 if report.unreadable else 0


PASSWORDS_LEFT = (
    " They move when their owners sign in. When SECRET_KEY_PREVIOUS is removed, the others sign in with a code by"
    " email, or reset their password."
)


async def _rekey_column(
    database: Database, encryption: Encryption, column: EncryptedColumn, batch_size: int
) -> RekeyCount:
    count, after = RekeyCount(column.label), 0
    while True:
        async with database.work() as db:
            batch = await rekey_batch(db, encryption, column, after, batch_size)
        if batch.last_id is None:
            return count
        after = batch.last_id
        count.moved += batch.moved
        count.current += batch.current
        count.unreadable += batch.unreadable


async def _rekey_and_close(database: Database, encryption: Encryption, passwords: Passwords) -> RekeyReport:
    try:
        return await rekey(database, encryption, passwords)
    finally:
        await database.close()
