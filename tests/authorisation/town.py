"""The data of the authorisation tables: one row of each kind that a URL can name."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

from litestar import Litestar
from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address
from app.accounts.session import EmailLink, Session, SessionKind, Sessions
from app.accounts.user import User
from app.billing.bank_accounts import TypedAccount, change_bank_account
from app.billing.payouts import make_run
from app.blocking.appeal import Outcome
from app.blocking.appeals import decide_appeal, submit_appeal
from app.bookings.booking import Booking
from app.bookings.calendar_repository import CalendarFeeds
from app.bookings.checkout import pay
from app.bookings.completion import complete_booking
from app.bookings.moves import Flag
from app.bookings.repository import Bookings
from app.cases.cases import ask_for_help
from app.cases.decision import decide_case, read_decision
from app.catalog import service_changes
from app.catalog.service import Category, Service
from app.core import clock
from app.core.encryption import Encryption
from app.core.events import Event
from app.core.outbox import Outbox
from app.core.secrets import digest, new_token
from app.core.storage import Storage
from app.exports import lifecycle
from app.exports.export import Export
from app.invoices.invoice import Invoice, InvoiceKind, path_number
from app.jobs.acceptance import accept
from app.jobs.handover import report_no_show
from app.messages.thread import send_message
from app.notifications.inbox import InboxItem
from app.notifications.preference import unsubscribe_token
from app.payments.credit import grant_credit
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.refund import BorneBy, Refund, RefundState
from app.payments.refunds import refund_booking
from app.payments.saved_methods_repository import SavedMethods
from app.payments.split import PaymentSplit
from app.photos.photo import Photo
from app.photos.photo_upload import ScannedPhoto
from app.photos.repository import NewPhotos
from app.promotions.coupons import create_coupon, end_coupon, read_terms
from app.promotions.referral import Referral
from app.reports.monthly_statement import MonthlySummary, to_facts
from app.reports.monthly_statement_repository import MonthlyStatements
from app.reviews.moderation import answer_review, hide_review, report_review
from app.reviews.submission import submit_review
from app.scheduling.working_hours import TimeOff
from app.vetting.document import Document
from app.vetting.document_changes import submit_document
from app.vetting.document_scan import ScannedDocument
from app.vetting.repository import Cases
from app.vetting.verification import CaseKind
from app.webhooks.registration import register
from tests.catalog.drafts import redrafted
from tests.factories import PASSWORD, TAMBARAM, a_block, a_customer, a_hold, a_professional, a_service, an_admin
from tests.vetting.samples import a_picture

NINE = datetime(2026, 11, 24, 9, 0, tzinfo=clock.IST)
APPROVED = Authorisation("authorised", Instrument("card", "Visa", "4242"))
START = "%Y-%m-%dT%H:%M"


@dataclass
class Town:
    """`people` by their column of the table, `values` by their name in the table, `tokens` of their sessions,
    `programs` their API tokens.
    """

    people: dict[str, User]
    values: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)


async def build(app: Litestar) -> Town:
    """Asha's bookings in every state, with Ravi; Omar and Balu have nothing to do with any of them."""
    database, encryption = app.state.services.database, app.state.services.encryption
    password = await app.state.services.passwords.hash(PASSWORD)
    with _at(NINE - timedelta(days=2)):
        async with database.work() as db:
            builder = Builder(db, encryption, app.state.services.storage, *await _cast(db))
            await builder.before_today()
    with _at(NINE):
        async with database.work() as db:
            builder.db = db
            await builder.today()
            await builder.create_preferences()
            town = Town(builder.people, builder.values)
            for column, user in town.people.items():
                user.password_hash = password
                db.add(user)
                town.tokens[column] = await _session(Sessions(database), db, user)
                town.programs[column] = await _token(Sessions(database), db, user)
            town.values["session"] = str(await db.scalar(_first_session_of(town.people["asha"])))
            town.values["commission_invoice"] = await _commission_invoice(db, town.values["completed"])
            town.values["month"], town.values["deed"] = "2026-10", "retry"
            empty = MonthlySummary(done=0, cancelled=0, spent=0, reviews=0, stars=0.0, bookings=[], upcoming=[])
            await MonthlyStatements(db).save(town.people["asha"].id, date(2026, 10, 1), to_facts(empty))
            town.values["unsubscribe"] = unsubscribe_token(
                app.state.services.encryption, town.people["asha"].id, "reports"
            )
            for who in ("geeta", "balu", "ravi"):
                town.values["calendar"] = await _calendar(db, town.people[who])
            webhook, _secret = await register(
                db, app.state.services.encryption, town.people["meena"], "https://hears.example/all"
            )
            town.values["webhook"] = str(webhook.id)
            query = select(func.min(InboxItem.id)).where(InboxItem.user_id == town.people["asha"].id)
            town.values["notice"] = str(await db.scalar(query))
            town.values["waiting"] = str(await _waiting(db, app.state.services.storage))
            town.values["document"] = await _submit_document(db, app.state.services.storage, town.people["ravi"])
            town.values["message_photo"] = await _send_photo(
                db, app.state.services.storage, town.people["ravi"], town.values["assigned"]
            )
            town.values["mail"] = await _sent_mail(db, town.values["assigned"])
            photo = await _submit_photo(db, app.state.services.storage, town.people["ravi"])
            photographed = await a_professional(db, "Mani Raj", pincodes=[TAMBARAM], home=TAMBARAM)  # signs in nowhere
            (await _submit_photo(db, app.state.services.storage, photographed)).approve(town.people["meena"])
            town.values |= {"photo": str(photo.id), "photographed": str(photographed.id)}
            # What is thrown away has a file of its own: a rollback does not bring it back.
            for name in ("export", "unwanted", "own_export", "own_unwanted"):
                who, kind = ("ravi", "earnings") if name.startswith("own") else ("meena", "ledger")
                town.values[name] = await _export(db, app.state.services.storage, town.people[who], kind)
            number = select(Export.id).where(Export.reference == town.values["export"])
            town.values["export_id"] = str(await db.scalar(number))
            town.values["failed"] = await _failed_export(db, town.people["meena"])
            digest_and_name = app.state.services.assets.url("app.css").removeprefix("/static/")
            town.values["digest"], town.values["stylesheet"] = digest_and_name.split("/", 1)
    return town


async def _calendar(db: AsyncSession, user: User) -> str:
    """The secret of a feed."""
    token = new_token()
    await CalendarFeeds(db).replace(user, digest(token))
    return token


async def _cast(db: AsyncSession) -> tuple[Service, dict[str, User]]:
    service, other = await a_service(db, slug="fixing-leaks"), await a_service(db)
    return service, {
        "asha": await a_customer(db, "Asha Raman"),
        "omar": await a_customer(db, "Omar Sheriff"),
        "ravi": await a_professional(db, "Ravi Kumar", services=[service]),
        "balu": await a_professional(db, "Balasubramaniam V", services=[other], pincodes=[TAMBARAM], home=TAMBARAM),
        "geeta": await a_professional(db, "Geeta Menon", services=[service], approval="pending"),
        "kiran": await a_professional(db, "Kiran Das", services=[service]),
        "meena": await an_admin(db),
    }


class Builder:
    """Makes rows by the verbs of the product."""

    def __init__(
        self, db: AsyncSession, encryption: Encryption, storage: Storage, service: Service, people: dict[str, User]
    ) -> None:
        self.db, self.encryption, self.storage, self.service, self.people = db, encryption, storage, service, people
        self.values = {
            "service_id": str(service.id),
            "slug": service.slug,
            "card": str(people["ravi"].id),
            **{who: str(people[who].id) for who in ("asha", "omar", "ravi", "kiran", "meena")},
        }

    async def before_today(self) -> None:
        """What lies behind, what runs at nine, what is accepted for later."""
        selvi = await a_professional(self.db, "Selvi Murugan", services=[self.service])
        account = TypedAccount("Ravi Kumar", "001234567890", "SBIN0000300")
        await change_bank_account(self.db, self.encryption, self.people["ravi"], account)
        await self.done("completed", NINE - timedelta(hours=45))
        await self.done("reviewed", NINE - timedelta(hours=42))
        await self.done("hidden", NINE - timedelta(hours=39))
        await self.no_show_booking("no_show", NINE - timedelta(hours=22), selvi)
        await self.started("started", NINE - timedelta(hours=1), self.people["ravi"])
        await self.started("kirans_started", NINE - timedelta(hours=1), self.people["kiran"])
        await self.assigned("nobody_came", NINE - timedelta(hours=1), selvi)
        await self.assigned("soon", NINE + timedelta(minutes=30), self.people["ravi"])
        await self.assigned("assigned", NINE + timedelta(days=1), self.people["ravi"])
        flagged = await self.assigned("flagged", NINE + timedelta(days=1, hours=5), self.people["ravi"])
        flagged.flag, flagged.flag_signs = Flag.PENDING, ["phone"]
        await self.assigned("kirans_assigned", NINE + timedelta(days=1), self.people["kiran"])

    async def today(self) -> None:
        """A hold, an offer to Ravi alone, and a block."""
        asha = self.people["asha"]
        held = await a_hold(self.db, asha, self.service, NINE + timedelta(days=3))
        self.values |= {"held": held.reference, "held_id": str(held.id)}
        await self.paid("requested", NINE + timedelta(days=4), self.people["ravi"])
        await a_block(self.db, self.people["kiran"], self.people["meena"])
        await self.appealed()
        await self.reviews()
        await self.refunds()
        await self.payouts()
        await self.cases()
        await self.promotions()
        self.values["free"] = (NINE + timedelta(days=5)).strftime(START)

    async def appealed(self) -> None:
        """Two more blocked people, whose appeals are waiting and decided."""
        for name in ("appeal", "decided_appeal"):
            person = await a_customer(self.db, "Deepa Nair")
            await a_block(self.db, person, self.people["meena"])
            appeal = await submit_appeal(self.db, person, "I paid in full.", NewPhotos(self.storage, [_a_scan()]))
            self.values[name] = str(appeal.id)
        self.values["appeal_photo"] = str(await self.db.scalar(select(Photo.id).where(Photo.appeal_id == appeal.id)))
        meena, number = self.people["meena"], int(self.values["decided_appeal"])
        await decide_appeal(self.db, meena, number, Outcome.KEEP, "It was proven.")

    async def reviews(self) -> None:
        """Asha's reviews of Ravi's work, one of them hidden, and a report."""
        asha, omar, meena = (self.people[who] for who in ("asha", "omar", "meena"))
        for name, reference in (("review", "reviewed"), ("hidden_review", "hidden")):
            review = await submit_review(self.db, asha, self.values[reference], 4, "Quick and clean.")
            self.values[name] = str(review.id)
        await answer_review(self.db, self.people["ravi"], int(self.values["hidden_review"]), "Thank you.")
        await report_review(self.db, omar, int(self.values["hidden_review"]), "It names a neighbour.")
        await hide_review(self.db, meena, int(self.values["hidden_review"]), "It names a neighbour.")

    async def refunds(self) -> None:
        """One that is done, and one each that waits for a second admin and that failed."""
        meena, reason = self.people["meena"], "The tap drips again."
        booking = await Bookings(self.db).by_reference(self.values["completed"], lock=True)
        refund = await refund_booking(self.db, booking, meena, 19_00, borne_by=BorneBy.DOORSTEP, reason=reason)
        more = {"booking_id": booking.id, "reason": reason, "requested_at": clock.now(), "requested_by_id": meena.id}
        waiting = Refund(amount=20_00, state=RefundState.REQUESTED, borne_by=BorneBy.SHARES, **more)
        failed = Refund(
            amount=21_00,
            state=RefundState.FAILED,
            borne_by=BorneBy.DOORSTEP,
            sent_at=clock.now(),
            failed_at=clock.now(),
            failure="The customer's bank didn't take the refund.",
            **more,
        )
        self.db.add_all([waiting, failed])
        await self.db.flush()
        self.values |= {"refund": str(refund.id), "waiting_refund": str(waiting.id), "failed_refund": str(failed.id)}

    async def promotions(self) -> None:
        """Two coupons, one of them ended; Asha's credit; a booking that they pay a part of; Omar was invited."""
        asha, omar, meena = (self.people[who] for who in ("asha", "omar", "meena"))
        for code in ("WELCOME50", "OLD50"):
            await create_coupon(self.db, meena, read_terms({"code": code, "kind": "amount", "value": "50"}))
        await end_coupon(self.db, meena, "OLD50")
        self.values |= {"coupon": "WELCOME50", "ended_coupon": "OLD50"}
        absent = await Bookings(self.db).by_reference(self.values["no_show"])
        await grant_credit(self.db, absent.id, "guarantee", {asha.id: 60_00})
        booking = await a_hold(self.db, asha, self.service, NINE + timedelta(days=6))
        split = PaymentSplit(booking.price, coupon=50_00, coupon_code="WELCOME50", credit=20_00)
        await pay(self.db, asha, booking.reference, APPROVED, "", split)
        self.values["with_coupon"] = booking.reference
        self.db.add(Referral(friend_id=omar.id, inviter_id=asha.id, at=clock.now()))
        await self.db.flush()

    async def payouts(self) -> None:
        """A run with a payout to Ravi, which is in progress."""
        run = await make_run(self.db, self.people["meena"], NINE.date() - timedelta(days=1))
        self.values |= {"payout_run": str(run.id), "week": "2026-W47"}

    async def cases(self) -> None:
        """Asha's cases about Ravi's work: one open, one decided."""
        asha, meena = self.people["asha"], self.people["meena"]
        photos = NewPhotos(self.storage, [_a_scan()])
        for name, reference in (("case", "reviewed"), ("decided_case", "hidden")):
            case = await ask_for_help(self.db, asha, self.values[reference], "quality", "The tap leaks again.", photos)
            self.values[name] = case.reference
        case_photo = select(func.min(Photo.id)).where(Photo.case_message_id.is_not(None))
        self.values["case_photo"] = str(await self.db.scalar(case_photo))
        await decide_case(
            self.db, meena, self.values["decided_case"], read_decision(["none"], "", "doorstep", "It was done well.")
        )

    async def create_preferences(self) -> None:
        asha, ravi = self.people["asha"], self.people["ravi"]
        job = await Bookings(self.db).by_reference(self.values["started"], lock=True)
        extra = job.propose_extra(ravi, "A new tap", 250_00)
        second = Address(user_id=asha.id, line="Gate 2", pincode="600020", is_main=False, created_at=clock.now())
        week = Range(NINE + timedelta(days=30), NINE + timedelta(days=37), bounds="[)")
        away = TimeOff(professional_id=ravi.id, span=week, reason="Pongal", created_at=clock.now())
        self.db.add_all([second, away])
        await self.db.flush()
        mail = await self.db.scalar(select(Outbox.id).where(Outbox.kind == "booking_requested").limit(1))
        event = await self.db.scalar(select(Event.id).where(Event.name == "booking.started").limit(1))
        self.values |= {"event": str(event)}
        visa = Instrument("card", "Visa", "4242", expires_on=date(2040, 8, 31))
        saved_methods = SavedMethods(self.db, asha)
        await saved_methods.remember(self.encryption, visa, confirmed=True)
        self.values["saved_method"] = str((await saved_methods.all())[0].id)
        self.values |= {"extra": str(extra.id), "address": str(second.id), "away": str(away.id), "mail": str(mail)}
        unbooked = await a_service(self.db, "Winding clocks")
        dearer = await redrafted(self.db, unbooked, price="199")
        await service_changes.edit(self.db, self.people["meena"], unbooked.id, dearer, 0)
        empty = await a_service(self.db)
        self.values |= {"unbooked": str(unbooked.id), "category": str(unbooked.category_id)}
        self.values |= {"empty": str(empty.category_id)}
        self.values |= {"shelf": (await self.db.get_one(Category, self.service.category_id)).slug}
        await self.db.delete(empty)
        self.values |= {purpose: self._link(asha, purpose) for purpose in ("verify", "reset")}

    def _link(self, user: User, purpose: str) -> str:
        token, now = new_token(), clock.now()
        ends = now + timedelta(hours=1)
        row = {"digest": digest(token), "user_id": user.id, "purpose": purpose, "address": user.email}
        self.db.add(EmailLink(**row, created_at=now, expires_at=ends))
        return token

    async def paid(self, name: str, starts_at: datetime, named: User | None = None) -> Booking:
        asha, named_id = self.people["asha"], named.id if named else None
        booking = await a_hold(self.db, asha, self.service, starts_at, professional_id=named_id)
        self.values |= {name: booking.reference, f"{name}_id": str(booking.id)}
        return await pay(self.db, asha, booking.reference, APPROVED)

    async def assigned(self, name: str, starts_at: datetime, worker: User) -> Booking:
        await self.paid(name, starts_at, worker)
        booking = await accept(self.db, worker, self.values[name], self.encryption)
        return self._code_of(name, booking, "start")

    async def started(self, name: str, starts_at: datetime, worker: User) -> Booking:
        booking = await self.assigned(name, starts_at, worker)
        with _at(starts_at):
            code = booking.live_code("start")
            assert code is not None
            booking.start(worker, code, self.encryption)
        return self._code_of(name, booking, "finish")

    def _code_of(self, name: str, booking: Booking, phase: str) -> Booking:
        code = booking.live_code(phase)
        assert code is not None
        self.values[f"{name}_code"] = code.reveal(self.encryption, booking.reference) or ""
        return booking

    async def done(self, name: str, starts_at: datetime) -> None:
        booking = await self.started(name, starts_at, self.people["ravi"])
        with _at(starts_at + timedelta(hours=1)):
            code = booking.live_code("finish")
            await complete_booking(self.db, booking, self.people["ravi"], code, self.encryption)

    async def no_show_booking(self, name: str, starts_at: datetime, worker: User) -> None:
        booking = await self.assigned(name, starts_at, worker)
        with _at(starts_at):
            booking.arrive(worker)
        with _at(starts_at + timedelta(minutes=20)):
            await report_no_show(self.db, worker, booking.reference)


async def _session(sessions: Sessions, db: AsyncSession, user: User) -> str:
    """Two sessions for each user; return the token of the second."""
    for _ in range(2):
        token = new_token()
        await sessions.open(db, user, digest(token), clock.now(), "")
    return token


async def _token(sessions: Sessions, db: AsyncSession, user: User) -> str:
    """The API token of a user."""
    token = new_token()
    await sessions.open(db, user, digest(token), clock.now(), "till/1.0", SessionKind.TOKEN)
    return token


async def _waiting(db: AsyncSession, storage: Storage) -> int:
    """An applicant with one document."""
    latha = await a_professional(db, "Latha Sundar", approval="pending")
    await _submit_document(db, storage, latha)
    await Cases(db).open(latha.id, CaseKind.APPLICATION)
    return latha.id


async def _submit_document(db: AsyncSession, storage: Storage, user: User) -> str:
    document = ScannedDocument("permit.png", "image/png", a_picture(), [a_picture("JPEG")])
    return str((await submit_document(db, storage, user, user.id, "identity", document)).id)


async def _submit_photo(db: AsyncSession, storage: Storage, user: User) -> Document:
    portrait = ScannedDocument("me.jpg", "image/jpeg", a_picture("JPEG"), [a_picture("JPEG")], is_portrait=True)
    return await submit_document(db, storage, user, user.id, "photo", portrait)


async def _send_photo(db: AsyncSession, storage: Storage, user: User, reference: str) -> str:
    """A message of a professional to the customer, with a photo; return the photo's id."""
    message = await send_message(db, storage, user, reference, "Which tap is it?", [_a_scan()])
    return str(await db.scalar(select(Photo.id).where(Photo.message_id == message.id)))


async def _sent_mail(db: AsyncSession, reference: str) -> str:
    """An email about the booking that was sent."""
    await db.flush()
    query = select(Outbox).where(Outbox.channel == "email", Outbox.data["booking"].astext == reference)
    mail = (await db.scalars(query.order_by(Outbox.id).limit(1))).one()
    mail.sent_at, mail.attempts = clock.now(), 1
    return str(mail.id)


def _a_scan() -> ScannedPhoto:
    return ScannedPhoto(a_picture("JPEG"), a_picture("JPEG", (320, 213)), 600, 400)


async def _export(db: AsyncSession, storage: Storage, user: User, kind: str) -> str:
    """Ready, with its file."""
    export = await lifecycle.request_export(db, user, kind, {}, bom=False)
    path = storage.create_file()
    path.write_bytes(b"line\r\n")
    lifecycle.mark_ready(export, storage.finalize(db, path), 6, sha256(b"line\r\n").digest(), 0)
    return export.reference


async def _failed_export(db: AsyncSession, user: User) -> str:
    export = await lifecycle.request_export(db, user, "ledger", {}, bom=False)
    lifecycle.mark_failed(export, "OSError")
    return export.reference


def _first_session_of(user: User) -> Select[int]:
    return select(Session.id).where(Session.user_id == user.id).order_by(Session.id).limit(1)


def _at(moment: datetime) -> AbstractContextManager[None]:
    return clock.freeze(moment)


async def _commission_invoice(db: AsyncSession, reference: str) -> str:
    """The name of the file of the commission invoice for a booking."""
    query = select(Invoice.number).join(Booking, Booking.id == Invoice.booking_id)
    number = await db.scalar(query.where(Booking.reference == reference, Invoice.kind == InvoiceKind.COMMISSION))
    return f"{path_number(number)}.pdf"
