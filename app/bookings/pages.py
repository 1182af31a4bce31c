"""A customer's bookings, and the form of a new one: a slot that was chosen, where, and what they should know."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address
from app.accounts.auth import Me
from app.accounts.repository import Addresses
from app.bookings.checkout import overdue_reference, place, wish_of
from app.bookings.customer_repository import Comer, OwnBookings, Same
from app.bookings.holds import check_start
from app.bookings.repository import Bookings
from app.bookings.schemas import NewBooking, start_of
from app.bookings.slot_picker import Picker, day_of, picker
from app.catalog.repository import Services
from app.catalog.service import Service
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.core.paging import after_moment
from app.core.references import row_number
from app.scheduling.candidates import nearest_free
from app.web.forms import Form, form, query, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import go, page

A_PAGE = 20
SUGGESTED = 3


class BookingsPages(Controller):
    path = "/bookings"
    opt = only("customer")

    @get(name="bookings")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """What is coming, and what was, the latest first."""
        own, cursor = OwnBookings(db, me), query(request).get("after")
        past = await own.past(after_moment(cursor), A_PAGE)
        upcoming = [] if cursor else await own.upcoming()
        return page(
            request, "bookings/index.html", "bookings/_index.html", upcoming=upcoming, past=past, first=not cursor
        )

    @get("/new", name="new booking")
    async def new(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        asked = query(request)
        values = {
            "service_id": asked.get("service", ""),
            "start": asked.get("start", ""),
            "pincode": asked.get("pincode", ""),
            "professional_id": asked.get("professional", ""),
        }
        if again := asked.get("again"):
            values |= await _again(db, me, again)
        return await _drawn(request, db, me, vault, values, day=asked.get("day", ""))

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        sent = await form(request)
        values = shown_again(sent)
        try:
            asked = read(NewBooking, _named(sent))
            wish = await wish_of(db, me, asked, typed="address" in sent)
            reference = await place(db, me, wish, asked.idempotency_key)
        except Invalid as error:
            return await _drawn(request, db, me, vault, values, errors=_beside(error.errors, sent))
        except Refused as refusal:
            return await _drawn(request, db, me, vault, values, refusal=refusal)
        return go(request, f"/bookings/{reference}/payment")


# How


def _named(sent: Form) -> Form:
    """The form without "anyone", which is nobody in particular."""
    if sent.get("professional_id") == "anyone":
        del sent["professional_id"]
    return sent


def _beside(errors: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    """A saved address that nobody comes to is told beside that address."""
    saved = bool(sent.get("address_id"))
    return {("address_id" if saved and name == "pincode" else name): said for name, said in errors.items()}


async def _again(db: AsyncSession, me: Me, reference: str) -> dict[str, str]:
    """The same service, address, note and professional as last time, without the time. Who has left is not asked."""
    before = await Bookings(db).for_customer(me, reference)
    who = await OwnBookings(db, me).card(before.professional_id or before.named_id, before.pincode)
    return {
        "service_id": str(before.service_id),
        "pincode": before.pincode,
        "address": before.address,
        "note": before.note,
        "professional_id": str(who.id) if who is not None and not who.has_left else "",
    }


async def _drawn(
    request: Request,
    db: AsyncSession,
    me: Me,
    vault: Vault,
    values: dict[str, Any],
    *,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
    day: str = "",
) -> HtmlResponse:
    """The form with everything that was typed; times to pick from where none stands or the one chosen cannot be."""
    wrong = dict(errors or {})
    service = await _service(db, values.get("service_id", ""), wrong)
    if service.retired_at is not None:
        if wrong:
            raise Refused(_("We do not offer this any more."), reason="retired")
        return go(request, f"/services/{service.slug}")
    book = await Addresses(db, me.id).all()
    values = _at_home(book, values, wrong) | {"service_id": service.id}
    start = _start(service, values, wrong)
    who = await _who(db, me, values, wrong)
    same = await OwnBookings(db, me).same(service.id, start) if start else []
    values["idempotency_key"] = values.get("idempotency_key") or _key(vault, me, values, same)
    free = await _instead(db, service, values["pincode"], start, who) if start and _was_taken(refusal) else []
    booked_out = who if start and _was_taken(refusal) and not free else None
    if start and booked_out:  # from here on the form asks for anyone
        who, values["professional_id"] = None, ""
        free = await _instead(db, service, values["pincode"], start, who)
    return page(
        request,
        "bookings/new.html",
        status=409 if refusal else 422 if wrong else 200,
        service=service,
        book=book,
        values=values,
        errors=wrong,
        start=start,
        ends=start + timedelta(minutes=service.minutes) if start else None,
        who=who,
        picks=None if start else await _picks(db, service, values, wrong, who, day),
        refusal=refusal,
        owed=await overdue_reference(db, me),
        same=next((one for one in same if one.is_open), None),
        free=free,
        booked_out=booked_out,
    )


def _at_home(book: Sequence[Address], values: Mapping[str, Any], wrong: Mapping[str, str]) -> dict[str, Any]:
    """Where nothing was said, the main address; the saved one that is meant is chosen, unless one was typed wrong."""
    filled = {**values, "pincode": values.get("pincode") or (book[0].pincode if book else "")}
    typed = "address" in wrong or "pincode" in wrong
    return filled | {"address_id": "" if typed else str(values.get("address_id", _of_book(book, filled)))}


async def _picks(
    db: AsyncSession, service: Service, values: Mapping[str, Any], wrong: Mapping[str, str], who: Comer | None, day: str
) -> Picker | None:
    """Times to pick from, once the place is known."""
    pincode = str(values["pincode"])
    if not pincode or "pincode" in wrong:
        return None
    who_id = who.id if who else None
    return await picker(db, service, pincode, day_of(day), professional_id=who_id, pick_first=not wrong)


def _was_taken(refusal: Refused | None) -> bool:
    return refusal is not None and refusal.reason == "taken"


async def _service(db: AsyncSession, typed: object, wrong: Mapping[str, str]) -> Service:
    text = str(typed)
    known = row_number(text) or (await Services(db).by_slug(text)).id if text and not wrong else row_number(text)
    service = await db.get(Service, known) if known else None
    if service is None:
        raise Invalid(wrong) if wrong else Missing()
    return service


def _of_book(book: Sequence[Address], values: Mapping[str, Any]) -> object:
    """The saved address that is meant: the one of that line, else the first of that pincode; none is another one."""
    there = [one for one in book if one.pincode == values["pincode"]]
    if line := values.get("address"):
        there = [one for one in there if one.line == line]
    return there[0].id if there else ""


def _start(service: Service, values: Mapping[str, Any], wrong: dict[str, str]) -> datetime | None:
    """The chosen start; an impossible one is told, and others are offered."""
    text = str(values.get("start", ""))
    if not text:
        return None
    try:
        start = start_of(text)
        check_start(service, start)
    except Invalid as refusal:
        wrong |= refusal.errors
        return None
    return start


async def _who(db: AsyncSession, me: Me, values: dict[str, Any], wrong: dict[str, str]) -> Comer | None:
    """The professional who was named, when there is one; else anyone."""
    text = str(values.get("professional_id", "")).strip()
    if text in ("", "anyone"):
        values["professional_id"] = ""
        return None
    found = await OwnBookings(db, me).card(row_number(text), str(values["pincode"]))
    if found is None or found.has_left or "professional_id" in wrong:
        wrong.setdefault("professional_id", _("We do not know this person. Anyone who is free can come."))
        values["professional_id"] = ""
        return None
    return found


def _key(vault: Vault, me: Me, values: Mapping[str, Any], same: list[Same]) -> str:
    """The same slot asked for again gives the same key, so that Back and a second window make one booking."""
    ended = sum(one.state == "cancelled" for one in same)
    said = [me.id, *(values.get(name, "") for name in ("service_id", "start", "pincode", "professional_id")), ended]
    return vault.digest("|".join(map(str, said)), "booking form").hex()[:40]


async def _instead(
    db: AsyncSession, service: Service, pincode: str, start: datetime, who: Comer | None
) -> list[datetime]:
    """The three free starts nearest to the one that was taken, of whoever was asked for."""
    return await nearest_free(db, service, pincode, start, professional_id=who.id if who else None, limit=SUGGESTED)
