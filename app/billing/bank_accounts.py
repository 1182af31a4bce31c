"""Change where a professional is paid out to: checked, encrypted, told by email, and in force after 24 hours."""

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import parse_name
from app.accounts.repository import Users
from app.billing.bank_account import WAITING_PERIOD, AccountKind, BankAccount, number_context
from app.billing.bank_account_repository import BankAccounts
from app.billing.bank_codes import IFSC, bank_name
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.events import Person
from app.core.i18n import _
from app.core.typed_text import plain_line, without_separators
from app.core.validation import FieldError, collect
from app.payments.pretend_bank import parse_upi_id

ACCOUNT_NUMBER = re.compile(r"(?!0+\Z)[0-9]{9,18}")
MAX_TYPED_LENGTH = 60
SHOWN_DIGITS = 4
HOLDER_CATEGORIES = ("L", "M", "N")  # letters, their vowel signs, digits
HOLDER_SIGNS = " .,'’&()/-\u200c\u200d"  # "Rao & Sons (Chennai)"; the joiners of Indian scripts


@dataclass(frozen=True, slots=True)
class TypedAccount:
    """As it was typed: either `number` and `ifsc`, or `upi_id`."""

    holder: str = ""
    number: str = ""
    ifsc: str = ""
    upi_id: str = ""


async def change_bank_account(db: AsyncSession, encryption: Encryption, by: Person, typed: TypedAccount) -> BankAccount:
    """Put a new account in force, which counts after 24 hours; until then payouts are held. Invalid per field."""
    values = _read(typed)
    owner = await Users(db).get(by.id, lock=True)
    now, number = clock.now(), values["number"]
    kind = AccountKind.BANK if values["ifsc"] else AccountKind.UPI
    account = BankAccount(
        professional_id=owner.id,
        kind=kind,
        holder=values["holder"],
        ifsc=values["ifsc"] or None,
        encrypted_number=encryption.encrypt(number, number_context(owner.id)),
        masked=_masked(number, kind),
        set_at=now,
        effective_at=now + WAITING_PERIOD,
    )
    await BankAccounts(db).replace(account, now)
    owner.record("person.bank_account_changed", by=by, kind=str(kind))
    await db.flush()
    return account


def reveal_number(encryption: Encryption, account: BankAccount) -> str | None:
    """The number or UPI ID, for the bank's file alone; None once it was erased."""
    if account.encrypted_number is None:
        return None
    return encryption.decrypt(account.encrypted_number, number_context(account.professional_id))


def _read(typed: TypedAccount) -> dict[str, str]:
    if plain_line(typed.upi_id) and (plain_line(typed.number) or plain_line(typed.ifsc)):
        raise Invalid({"upi_id": _("Enter a bank account or a UPI ID, not both.")})
    holder = {"holder": lambda: _parse_holder(typed.holder)}
    if plain_line(typed.upi_id):
        values = collect(holder | {"upi_id": lambda: _parse_upi_id(typed.upi_id)})
        return {"holder": values["holder"], "number": values["upi_id"], "ifsc": ""}
    return collect(holder | {"number": lambda: _parse_number(typed.number), "ifsc": lambda: _parse_ifsc(typed.ifsc)})


def _parse_holder(typed: str) -> str:
    """A name as a bank has it: the bank's file must carry it unchanged, so nothing that begins a formula."""
    name = parse_name(typed)
    known = all(unicodedata.category(char)[0] in HOLDER_CATEGORIES or char in HOLDER_SIGNS for char in name)
    if not known or not name[0].isalnum():
        raise FieldError(_("Enter the name as your bank writes it, in letters."))
    return name


def _parse_number(typed: str) -> str:
    number = without_separators(typed[:MAX_TYPED_LENGTH])
    if not ACCOUNT_NUMBER.fullmatch(number) or len(typed) > MAX_TYPED_LENGTH:
        raise FieldError(_("Enter the account number: 9 to 18 digits."))
    return number


def _parse_ifsc(typed: str) -> str:
    ifsc = without_separators(typed[:MAX_TYPED_LENGTH]).upper()
    if not IFSC.fullmatch(ifsc) or len(typed) > MAX_TYPED_LENGTH:
        raise FieldError(_("Enter the 11 characters of the IFSC, such as SBIN0000300. The fifth is a zero."))
    if bank_name(ifsc) is None:
        raise FieldError(_("No bank has an IFSC that begins with %(code)s. Check it on your passbook.", code=ifsc[:4]))
    return ifsc


def _parse_upi_id(typed: str) -> str:
    try:
        return parse_upi_id(typed)
    except Invalid as error:
        raise FieldError(error.errors["upi_id"]) from error


def _masked(number: str, kind: AccountKind) -> str:
    """The last four digits, or the first letters of a UPI ID and its bank."""
    if kind == AccountKind.BANK:
        return f"…{number[-SHOWN_DIGITS:]}"
    name, bank = number.split("@")
    return f"{name[: 2 if len(name) > 3 else 1]}…@{bank}"
