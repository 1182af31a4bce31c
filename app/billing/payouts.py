"""The verbs of payouts: make a run, mark each payout as paid or failed, write the bank's file.

Lock order: AdvisoryLock.PAYOUTS (runs alone), the rows of the professionals, the run's row, its payouts.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import clean_reason
from app.accounts.repository import ROW_IDS
from app.billing.bank_account import BankAccount
from app.billing.bank_account_repository import BankAccounts
from app.billing.bank_accounts import reveal_number
from app.billing.payout import MAX_REFERENCE_LENGTH, Payout, PayoutRun, PayoutState
from app.billing.payout_repository import Due, Payouts
from app.core import clock
from app.core.csv_cells import safe_cell
from app.core.db import AdvisoryLock, TransactionFactory, acquire_lock
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.events import PLATFORM, Actor, Person
from app.core.i18n import _
from app.core.money import format_decimal
from app.core.typed_text import plain_line
from app.payments.ledger import LedgerTransaction, Line, new_transaction

FIRST_DAY = date(2020, 1, 1)
FILE_HEAD = ("payout", "name", "account", "ifsc", "amount", "remark")
FILE_BATCH_SIZE = 500  # payouts


async def make_run(db: AsyncSession, by: Actor, until: date) -> PayoutRun:
    """Send what was owed until the end of the day; the same day is the same run, however often it is asked for.

    Invalid("until") for a day that is not over; Refused("nothing") when nothing can be paid out.
    """
    if not FIRST_DAY <= until < clock.today():
        raise Invalid({"until": _("Enter a day that is over.")})
    await acquire_lock(db, AdvisoryLock.PAYOUTS)
    payouts, before = Payouts(db), clock.at(until + timedelta(days=1))
    existing = await payouts.run_of(until)
    if existing is not None:
        return existing
    candidates = [due.professional_id for due in await payouts.due(before, clock.now()) if due.reason is None]
    await payouts.lock_people(candidates)
    # Once more: accounts may have changed, and earnings been refunded, while the locks were waited for.
    payable = [due for due in await payouts.due(before, clock.now(), candidates) if due.reason is None]
    if not payable:
        raise Refused(_("Nothing can be paid out until then."), reason="nothing", about="payout")
    amount = sum(due.amount for due in payable)
    run = PayoutRun(until=until, created_at=clock.now(), created_by_id=by.id, people=len(payable), amount=amount)
    db.add(run)
    await db.flush()
    transactions = [_sent(due) for due in payable]
    db.add_all(transactions)
    await db.flush()
    db.add_all(_payout(run, due, transaction) for due, transaction in zip(payable, transactions, strict=True))
    run.record("payout_run.created", by=by, people=len(payable), amount=amount)
    await db.flush()
    return run


async def make_weekly_run(db: AsyncSession, by: Actor = PLATFORM) -> int:
    """Make the run until the last Sunday that is over; return to how many professionals, 0 if nothing is due."""
    today = clock.today()
    try:
        run = await make_run(db, by, today - timedelta(days=today.weekday() + 1))
    except Refused:
        return 0
    return run.people


async def mark_paid(db: AsyncSession, by: Person, run_id: int, professional_id: int, reference: str) -> Payout:
    """The bank has paid, under its `reference`. Invalid("reference"); Refused("settled")."""
    reference = plain_line(reference[: 2 * MAX_REFERENCE_LENGTH])
    if not 1 <= len(reference) <= MAX_REFERENCE_LENGTH:
        raise Invalid({"reference": _("Enter the bank's reference, at most %(most)s characters.",
                                      most=MAX_REFERENCE_LENGTH)})  # fmt: skip
    run, payout = await _lock_pending(db, run_id, professional_id)
    payout.state, payout.reference = PayoutState.PAID, reference
    lines: list[Line] = [("payouts", professional_id, payout.amount), ("gateway", None, -payout.amount)]
    await _settle(db, by, run, payout, new_transaction("payout_paid", None, None, lines))
    return payout


async def mark_failed(db: AsyncSession, by: Person, run_id: int, professional_id: int, reason: str) -> Payout:
    """The bank could not pay: what was on its way is owed again. Invalid("reason"); Refused("settled")."""
    reason = clean_reason(reason)
    run, payout = await _lock_pending(db, run_id, professional_id)
    payout.state, payout.reason = PayoutState.FAILED, reason
    lines: list[Line] = [
        ("payouts", professional_id, payout.amount),
        ("earnings", professional_id, -payout.earnings),
        ("tips", professional_id, -payout.tips),
    ]
    await _settle(db, by, run, payout, new_transaction("payout_failed", None, None, lines))
    return payout


async def bank_file(
    db: AsyncSession, open_session: TransactionFactory, encryption: Encryption, by: Person, run_id: int
) -> AsyncIterator[str]:
    """The CSV file of what the bank has to do of a run, in pieces; that it was read is recorded.

    The pieces are read one after the other, each in a session of its own, after the record is committed.
    """
    run = await Payouts(db).run(run_id, lock=True)
    run.record("payout_run.file_seen", by=by)
    await db.flush()
    return _pieces_of_file(open_session, encryption, run.id, f"Doorstep {run.until}")


async def _pieces_of_file(
    open_session: TransactionFactory, encryption: Encryption, run_id: int, remark: str
) -> AsyncIterator[str]:
    yield _csv([FILE_HEAD])
    after: int | None = 0
    while after is not None:
        async with open_session() as db:
            found = await Payouts(db).pending_with_accounts(run_id, after, FILE_BATCH_SIZE)
        yield _csv([_file_line(encryption, payout, account, remark) for payout, account in found])
        after = found[-1][0].professional_id if len(found) == FILE_BATCH_SIZE else None


def _file_line(encryption: Encryption, payout: Payout, account: BankAccount, remark: str) -> list[str]:
    number = reveal_number(encryption, account) or ""
    cells = (account.holder, number, account.ifsc or "", format_decimal(payout.amount), remark)
    return [str(payout.id), *map(safe_cell, cells)]


def _csv(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


async def _lock_pending(db: AsyncSession, run_id: int, professional_id: int) -> tuple[PayoutRun, Payout]:
    """Raises Missing; Refused("settled")."""
    if professional_id not in ROW_IDS:
        raise Missing
    payouts = Payouts(db)
    await payouts.lock_people([professional_id])
    run = await payouts.run(run_id, lock=True)
    payout = await payouts.locked(run.id, professional_id)
    if payout.state != PayoutState.PENDING:
        raise Refused(_("This payout is settled already."), reason="settled", about="payout")
    return run, payout


async def _settle(db: AsyncSession, by: Person, run: PayoutRun, payout: Payout, transaction: LedgerTransaction) -> None:
    payout.decided_at, payout.decided_by_id = clock.now(), by.id
    db.add(transaction)
    payout_id, professional_id, amount = payout.id, payout.professional_id, payout.amount
    if payout.state == PayoutState.PAID:
        run.record("payout_run.payout_paid", by=by, payout_id=payout_id, professional_id=professional_id, amount=amount)
    else:
        run.record(
            "payout_run.payout_failed", by=by, payout_id=payout_id, professional_id=professional_id, amount=amount
        )
    await db.flush()
    await BankAccounts(db).erase_unused(payout.professional_id)


def _sent(due: Due) -> LedgerTransaction:
    person = due.professional_id
    lines: list[Line] = [
        ("earnings", person, due.earnings),
        ("tips", person, due.tips),
        ("payouts", person, -due.amount),
    ]
    return new_transaction("payout", None, None, lines)


def _payout(run: PayoutRun, due: Due, transaction: LedgerTransaction) -> Payout:
    return Payout(
        run_id=run.id,
        professional_id=due.professional_id,
        bank_account_id=due.account_id,
        amount=due.amount,
        earnings=due.earnings,
        tips=due.tips,
        state=PayoutState.PENDING,
        transaction_id=transaction.id,
    )
