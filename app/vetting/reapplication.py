"""Asking to be checked again (T0-4): only for oneself, only when denied or out of date, with a message and a paper."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import words_of
from app.accounts.professional import Professional
from app.accounts.repository import Users
from app.core import clock
from app.core.errors import Invalid, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.storage import Storage
from app.vetting import document_changes
from app.vetting.offered_services_repository import Offerings
from app.vetting.repository import Cases, Documents, Professionals
from app.vetting.scanning import Paper
from app.vetting.verification import Verification

LONGEST = 1_000  # characters of a message


def message_of(typed: str) -> str:
    message = words_of(typed)
    if not message:
        raise Invalid({"message": _("Write what is different now.")})
    if len(message) > LONGEST:
        raise Invalid({"message": _("That is too long.")})
    return message


def out_of_date(professional: Professional) -> bool:
    return professional.papers_expire_on is not None and professional.papers_expire_on <= clock.today()


def may_ask(professional: Professional, case: Verification | None) -> bool:
    return case is None and (professional.standing == "denied" or out_of_date(professional))


async def kind_to_send(db: AsyncSession, professional_id: int) -> str:
    """Which paper is asked for: the one that was refused or is out of date, or who they are."""
    documents = await Documents(db).of(professional_id)
    gone = (one for one in documents if one.state == "denied" or (one.state == "approved" and one.out_of_date()))
    return next((one.kind for one in gone), "identity")


async def refuse_to_ask(db: AsyncSession, me: Person) -> None:
    """Refused "waiting" while a case is open, "approved" while everything counts."""
    professional, case = await Professionals(db).get(me.id), await Cases(db).open_of(me.id)
    if case is not None:
        raise Refused(_("You are being checked already. You hear from us when it is decided."), reason="waiting")
    if professional.standing == "pending":
        raise Refused(
            _("You are being checked for the first time. Send a paper under “Your papers”."), reason="waiting"
        )
    if not may_ask(professional, case):
        raise Refused(_("Everything of yours counts. There is nothing to ask for."), reason="approved")


async def ask_again(
    db: AsyncSession, storage: Storage, me: Person, kind: str, message: str, paper: Paper, expires_on: date | None
) -> None:
    """A new case. Who was denied waits like somebody new; whose paper ran out keeps the jobs they hold.

    `message` is message_of's. Refused as refuse_to_ask.
    """
    user = await Users(db).get(me.id, lock=True)
    professional = await Professionals(db).get(me.id, lock=True)
    await refuse_to_ask(db, me)
    await document_changes.submit(db, storage, me, me.id, kind, paper, expires_on)
    await Cases(db).open(me.id, "again", message)
    before = professional.standing
    if before == "denied":
        professional.standing, professional.denial_reason = "pending", None
        await Offerings(db).settle(me.id, "denied", "pending")
    user.record(
        "person.asked_again",
        by=me,
        nudges=[(f"user:{me.id}", "documents"), (f"user:{me.id}", "verification")],
        personal={"message": message},
        before={"standing": before},
        after={"standing": professional.standing},
    )
    await db.flush()
