"""Apply to work with Doorstep: an account, one document, and a case that an admin decides."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.attempts import application_keys
from app.accounts.languages import LANGUAGE_CODES, clean_languages
from app.accounts.repository import Pincodes, RateLimits, Users
from app.accounts.schemas import TOO_LONG, NewCustomer
from app.accounts.sign_up import TransactionFactory, complete_registration, field_readers, new_user, notify_owner
from app.accounts.user import Role, User
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.secrets import Passwords
from app.core.storage import Storage, Upload
from app.core.typed_text import plain_line
from app.core.validation import FieldError, collect
from app.scheduling.offered_services_repository import OfferedServices, ServiceChoice
from app.scheduling.repository import Schedules
from app.vetting import document_changes
from app.vetting.document import DocumentKind
from app.vetting.document_scan import ScannedDocument, scan_document
from app.vetting.repository import Cases
from app.vetting.verification import CaseKind

INITIAL_RADIUS_KM = 8  # of the initial service area
MAX_EXPERIENCE_YEARS = 70
MAX_OFFERED_SERVICES = 100
FIRST_DOCUMENT_KIND = DocumentKind.IDENTITY


class NewProfessional(NewCustomer, kw_only=True):
    experience_years: Annotated[str, Meta(max_length=10, extra={"error": TOO_LONG})] = ""
    service_ids: Annotated[
        list[int], Meta(max_length=MAX_OFFERED_SERVICES, extra={"error": N_("Choose from the list.")})
    ] = []
    languages: Annotated[
        list[str], Meta(max_length=len(LANGUAGE_CODES), extra={"error": N_("Choose from the list.")})
    ] = []


async def submit_application(
    new_transaction: TransactionFactory,
    passwords: Passwords,
    encryption: Encryption,
    storage: Storage,
    new: NewProfessional,
    upload: Upload | None,
    address: str,
) -> None:
    """Create a professional's account under review; if the email has an account already, only notify its owner.

    `address` is the client's IP address, rate limited before the file is scanned. Raises RateLimited, Overloaded,
    and Invalid with all errors.
    """
    cleaned, offered = await _validate(new_transaction, new, upload)
    async with new_transaction() as db:
        await RateLimits(db).hit(application_keys(address))
    scan = await scan_document(upload, address)
    password_hash = await passwords.hash(cleaned["password"])
    async with new_transaction() as db:
        home = await Pincodes(db).require(cleaned["pincode"])
        user = new_user(Role.PROFESSIONAL, cleaned["email"], cleaned["full_name"], cleaned["phone"], password_hash)
        if not await Users(db).add(user):
            await notify_owner(db, cleaned["email"])
            return
        await complete_registration(db, encryption, user, cleaned["address"], home.pincode)
        await _create_professional(
            db, user, home, offered, experience_years=int(cleaned["experience_years"]), languages=cleaned["languages"]
        )
        await _open_case(db, storage, user, scan)


def clean_experience_years(typed: str) -> str:
    text = plain_line(typed)
    if not text.isdecimal() or len(text) > 3 or int(text) > MAX_EXPERIENCE_YEARS:
        raise FieldError(_("Enter whole years from 0 to %(most)s.", most=MAX_EXPERIENCE_YEARS))
    return str(int(text))


def main_trade(offered: Sequence[ServiceChoice]) -> str:
    """The category of most of these services; the first one of equals."""
    return Counter(service.category for service in offered).most_common(1)[0][0]


async def _validate(
    new_transaction: TransactionFactory, new: NewProfessional, upload: Upload | None
) -> tuple[dict[str, Any], list[ServiceChoice]]:
    """The cleaned fields and chosen services, or Invalid with all errors except those of the file's content."""
    errors: dict[str, str] = {}
    cleaned: dict[str, Any] = {}
    try:
        cleaned = collect(
            field_readers(new)
            | {
                "experience_years": lambda: clean_experience_years(new.experience_years),
                "languages": lambda: clean_languages(new.languages),
            }
        )
    except Invalid as error:
        errors |= error.errors
    async with new_transaction() as db:
        offered = [
            service for service in await OfferedServices(db).choices() if service.service_id in set(new.service_ids)
        ]
        if cleaned:
            errors |= await _pincode_errors(db, cleaned["pincode"])
    if len(offered) < max(1, len(set(new.service_ids))):
        errors["service_ids"] = _("Choose from the list.") if new.service_ids else _("Choose at least one service.")
    if upload is None:
        errors["document"] = _("Choose a file.")
    if errors:
        raise Invalid(errors)
    return cleaned, offered


async def _pincode_errors(db: AsyncSession, pincode: str) -> dict[str, str]:
    try:
        await Pincodes(db).require(pincode)
    except Invalid as error:
        return error.errors
    return {}


async def _create_professional(
    db: AsyncSession,
    user: User,
    home: Pincode,
    offered: Sequence[ServiceChoice],
    *,
    experience_years: int,
    languages: list[str],
) -> None:
    """Create the professional's row, service area and pending services, without working hours."""
    await Users(db).add_professional(
        user, home, trade=main_trade(offered), experience_years=experience_years, languages=languages
    )
    schedule = Schedules(db, user)
    await schedule.set_area(await schedule.pincodes_within(home, INITIAL_RADIUS_KM))
    await OfferedServices(db).add(user.id, [service.service_id for service in offered])


async def _open_case(db: AsyncSession, storage: Storage, user: User, scan: ScannedDocument) -> None:
    await document_changes.submit_document(db, storage, user, user.id, FIRST_DOCUMENT_KIND, scan)
    await Cases(db).open(user.id, CaseKind.APPLICATION)
