"""Somebody wants to work with Doorstep: an account, one paper, and a case that an admin decides."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Pincode
from app.accounts.attempts import joining_purses
from app.accounts.contact_fields import Wrong, cleaned
from app.accounts.professional import Professional
from app.accounts.repository import Pincodes, Tries, Users
from app.accounts.schemas import TOO_LONG, NewCustomer
from app.accounts.sign_up import Apart, a_person, cleaners_of, settle_in, tell_owner
from app.accounts.user import Role, User
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.secrets import Passwords
from app.core.storage import Storage, Upload
from app.scheduling.repository import Working
from app.vetting import document_changes
from app.vetting.offered_services_repository import Choice, Offerings
from app.vetting.repository import Cases
from app.vetting.scanning import Paper, paper_of

REACH_KM = 8  # where somebody works until they say otherwise
MOST_YEARS = 70
MOST_SERVICES = 100
FIRST_PAPER = "identity"


class NewProfessional(NewCustomer, kw_only=True):
    experience_years: Annotated[str, Meta(max_length=10, extra={"error": TOO_LONG})] = ""
    service_ids: Annotated[
        list[int], Meta(max_length=MOST_SERVICES, extra={"error": N_("Please choose from the list.")})
    ] = []


async def join(
    apart: Apart,
    passwords: Passwords,
    vault: Vault,
    storage: Storage,
    new: NewProfessional,
    upload: Upload | None,
    address: str,
) -> None:
    """A professional's account that waits to be checked; when the e-mail has an account, a mail to its owner alone.

    `address` is where the form comes from: papers from there are counted before they are looked at. Raises TooSoon, and
    Invalid with everything that is wrong.
    """
    kept, offered = await _checked(apart, new, upload)
    async with apart() as db:
        await Tries(db).spend(joining_purses(address))
    paper = await paper_of(upload)
    hashed = await passwords.hash(kept["password"])
    async with apart() as db:
        home = await Pincodes(db).known(kept["pincode"])
        user = a_person(Role.PROFESSIONAL, kept["email"], kept["full_name"], kept["phone"], hashed)
        if not await Users(db).add(user):
            await tell_owner(db, kept["email"])
            return
        await settle_in(db, vault, user, kept["address"], home.pincode)
        await _set_up(db, user, home, int(kept["experience_years"]), offered)
        await _ask(db, storage, user, paper)


def years_of(typed: str) -> str:
    if not typed.strip().isdecimal() or len(typed.strip()) > 3 or int(typed) > MOST_YEARS:
        raise Wrong(_("Whole years, from 0 to %(most)s.", most=MOST_YEARS))
    return str(int(typed))


def trade_of(offered: Sequence[Choice]) -> str:
    """The category that most of these services stand in; of several, the first."""
    return Counter(one.category for one in offered).most_common(1)[0][0]


async def _checked(apart: Apart, new: NewProfessional, upload: Upload | None) -> tuple[dict[str, str], list[Choice]]:
    """What is kept of the form, or one Invalid with all that is wrong but for what the file itself holds."""
    errors: dict[str, str] = {}
    kept: dict[str, str] = {}
    try:
        kept = cleaned(cleaners_of(new) | {"experience_years": lambda: years_of(new.experience_years)})
    except Invalid as error:
        errors |= error.errors
    async with apart() as db:
        offered = [one for one in await Offerings(db).catalogue() if one.service_id in set(new.service_ids)]
        if kept:
            errors |= await _unknown_place(db, kept["pincode"])
    if len(offered) < max(1, len(set(new.service_ids))):
        errors["service_ids"] = _("Please choose from the list.") if new.service_ids else _("Choose what you do.")
    if upload is None:
        errors["document"] = _("Please choose a file.")
    if errors:
        raise Invalid(errors)
    return kept, offered


async def _unknown_place(db: AsyncSession, pincode: str) -> dict[str, str]:
    try:
        await Pincodes(db).known(pincode)
    except Invalid as error:
        return error.errors
    return {}


async def _set_up(db: AsyncSession, user: User, home: Pincode, years: int, offered: Sequence[Choice]) -> None:
    """The working side: nothing of it counts yet. Hours are theirs to say, so there are none."""
    db.add(
        Professional(
            user_id=user.id,
            standing="pending",
            trade=trade_of(offered),
            experience_years=years,
            home_pincode=home.pincode,
            created_at=clock.now(),
        )
    )
    await db.flush()
    working = Working(db, user)
    await working.set_area(await working.within(home, REACH_KM))
    await Offerings(db).add(user.id, [one.service_id for one in offered])


async def _ask(db: AsyncSession, storage: Storage, user: User, paper: Paper) -> None:
    await document_changes.submit(db, storage, user, user.id, FIRST_PAPER, paper)
    await Cases(db).open(user.id, "joining")
