"""/bookings and /bookings/new: a customer's bookings, and the form of a new one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address
from app.accounts.auth import Me
from app.accounts.contact_fields import typed_pincode
from app.accounts.repository import Addresses
from app.bookings.booking_request import read_booking_request
from app.bookings.checkout import overdue_reference, place_order
from app.bookings.chosen_start import continue_hold
from app.bookings.customer_repository import AssignedProfessional, BookingRow, OwnBookings, SimilarBooking
from app.bookings.holds import check_start
from app.bookings.repository import Bookings
from app.bookings.schemas import NewBooking, read_start
from app.bookings.slot_picker import MAX_SUGGESTIONS, SlotPicker, day_of, load_slot_picker
from app.catalog.repository import ServiceRepository
from app.catalog.service import Service
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.core.paging import decode_time_cursor
from app.core.references import parse_row_id
from app.scheduling.candidate_repository import find_candidates, find_pincode
from app.scheduling.slot_search import nearest_starts
from app.web.forms import Form, parse_form, parse_query, redisplayable
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect
from app.web.validation import validate_form

PAGE_SIZE = 20
MAX_QUERY_LENGTH = 100
PAST_STATES = ("done", "cancelled")


def form_page_of(form: Mapping[str, str]) -> str:
    """The page of the new booking's form, by its fields; nothing personal is in its address."""
    names = {"service_id": "service", "start": "start", "pincode": "pincode", "professional_id": "professional"}
    chosen = {query: form[name][:40] for name, query in names.items() if form.get(name)}
    return "/bookings/new?" + urlencode(chosen)


class BookingListPages(Controller):
    path = "/bookings"
    opt = only("customer")

    @get(name="bookings")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """Upcoming bookings, and past ones by month, the latest first; found ones alone while searching."""
        own, params = OwnBookings(db, me), parse_query(request)
        cursor, text = params.get("after"), " ".join(params.get("q", "").replace("\x00", "").split())[:MAX_QUERY_LENGTH]
        state = params["state"] if params.get("state") in PAST_STATES else ""
        past = await own.past(decode_time_cursor(cursor), PAGE_SIZE, text=text, state=state)
        is_searched = bool(text or state)
        upcoming = [] if cursor or is_searched else await own.upcoming()
        return page(
            request,
            "bookings/index.html",
            "bookings/_index.html",
            upcoming=upcoming,
            months=[(month, list(rows)) for month, rows in groupby(past.items, key=_month_of)],
            next_cursor=past.next,
            first=not cursor,
            text=text,
            state=state,
            is_searched=is_searched,
        )

    @get("/new", name="new booking")
    async def new(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        params = parse_query(request)
        values: dict[str, Any] = {
            "service_id": params.get("service", ""),
            "start": params.get("start", ""),
            "pincode": typed_pincode(params.get("pincode", "")) or params.get("pincode", ""),
            "professional_id": params.get("professional", ""),
        }
        if again := params.get("again"):
            chosen = {name: value for name, value in values.items() if value}
            values |= await _values_of_previous(db, me, again) | chosen
        return await _render(request, db, me, encryption, values, day=params.get("day", ""), is_new=True)

    @post(opt={"form_page": form_page_of})
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request)
        values = redisplayable(form)
        try:
            new_booking = validate_form(NewBooking, _without_anyone(form))
            booking_request = await read_booking_request(db, me, new_booking, me.email, address_given="address" in form)
            reference = (
                await continue_hold(db, me, new_booking.held, booking_request) if new_booking.held else None
            ) or await place_order(db, me, booking_request, new_booking.idempotency_key)
        except Invalid as error:
            errors = _errors_by_field(error.errors, form)
            if form.get("taken") and not form.get("start") and "pincode" not in errors:
                values["start"] = form["taken"]
                errors.pop("start", None)
                return await _render(request, db, me, encryption, values, errors=errors, refusal=_taken())
            return await _render(request, db, me, encryption, values, errors=errors)
        except Refused as refusal:
            return await _render(request, db, me, encryption, values, refusal=refusal)
        return redirect(request, f"/bookings/{reference}/payment")


def _month_of(booking: BookingRow) -> date:
    """The first day of the booking's month in Asia/Kolkata."""
    return booking.starts_at.astimezone(clock.IST).date().replace(day=1)


def _without_anyone(form: Form) -> Form:
    """The form without "anyone", which names no professional."""
    if form.get("professional_id") == "anyone":
        del form["professional_id"]
    return form


def _errors_by_field(errors: Mapping[str, str], form: Mapping[str, str]) -> dict[str, str]:
    """The errors, with that of a saved address's pincode shown beside the address."""
    saved = bool(form.get("address_id"))
    return {("address_id" if saved and name == "pincode" else name): message for name, message in errors.items()}


async def _values_of_previous(db: AsyncSession, me: Me, reference: str) -> dict[str, Any]:
    """The values of a previous booking without its time, and without a professional who cannot take it any more."""
    previous = await Bookings(db).for_customer(me, reference)
    professional_id = previous.professional_id or previous.requested_professional_id
    location = await find_pincode(db, previous.pincode) if professional_id else None
    candidates = (
        await find_candidates(db, [previous.service_id], location, customer_id=me.id, professional_id=professional_id)
        if location
        else []
    )
    return {
        "service_id": str(previous.service_id),
        "usual_time": previous.starts_at.astimezone(clock.IST).time(),
        "pincode": previous.pincode,
        "address": previous.address,
        "note": previous.note,
        **asdict(previous.visit),
        "professional_id": str(candidates[0].id) if candidates else "",
    }


async def _render(
    request: Request,
    db: AsyncSession,
    me: Me,
    encryption: Encryption,
    values: dict[str, Any],
    *,
    errors: Mapping[str, str] | None = None,
    refusal: Refused | None = None,
    day: str = "",
    is_new: bool = False,
) -> HtmlResponse:
    """The form with the values as sent; a slot picker when there is no start or the start is not possible.

    `is_new`: the form is opened, perhaps long after the start was chosen; the nearest free starts when it was taken.
    """
    field_errors = dict(errors or {})
    service = await _find_service(db, values.get("service_id", ""), field_errors)
    if service.retired_at is not None:
        if field_errors:
            raise Refused(_("This service is no longer offered."), reason="retired")
        return redirect(request, f"/services/{service.slug}")
    addresses = await Addresses(db, me.id).all()
    values = _with_default_address(addresses, values, field_errors) | {"service_id": service.id}
    start = _read_start(service, values, field_errors)
    if start is None and _is_slot_taken(refusal):
        refusal = None  # there is another error beside the field
    professional = await _named_professional(db, me, values, field_errors)
    similar_bookings = await OwnBookings(db, me).similar(service.id, start) if start else []
    values["idempotency_key"] = values.get("idempotency_key") or _idempotency_key(
        encryption, me, values, similar_bookings
    )
    same = next((booking for booking in similar_bookings if booking.is_open), None)
    is_held = same is not None
    free: list[datetime] = []
    if start and (_is_slot_taken(refusal) or (is_new and values["pincode"] and not is_held)):
        free = await _suggested_starts(db, me, service, values["pincode"], start, professional)
        if is_new and start not in free:
            refusal = _taken()
        elif is_new:
            free = []
    booked_out = professional if start and _is_slot_taken(refusal) and not free else None
    if start and booked_out:  # the form now asks for anyone
        professional, values["professional_id"] = None, ""
        free = await _suggested_starts(db, me, service, values["pincode"], start, professional)
    return page(
        request,
        "bookings/new.html",
        status=409 if refusal and not is_new else 422 if field_errors else 200,
        service=service,
        book=addresses,
        values=values,
        errors=field_errors,
        start=start,
        ends=start + timedelta(minutes=service.minutes) if start else None,
        who=professional,
        picks=None if start else await _slot_picker(db, me, service, values, field_errors, professional, day),
        refusal=refusal,
        owed=await overdue_reference(db, me),
        same=same,
        held=same if same and same.is_held_for(professional.id if professional else None) else None,
        now=clock.now(),
        free=free,
        booked_out=booked_out,
    )


def _with_default_address(
    addresses: Sequence[Address], values: Mapping[str, Any], field_errors: Mapping[str, str]
) -> dict[str, Any]:
    """The values with the default address filled in and the matching saved address selected, unless it has an error."""
    filled = {**values, "pincode": values.get("pincode") or (addresses[0].pincode if addresses else "")}
    is_typed = "address" in field_errors or "pincode" in field_errors
    return filled | {
        "address_id": "" if is_typed else str(values.get("address_id", _matching_address_id(addresses, filled)))
    }


async def _slot_picker(
    db: AsyncSession,
    me: Me,
    service: Service,
    values: Mapping[str, Any],
    field_errors: Mapping[str, str],
    professional: AssignedProfessional | None,
    day: str,
) -> SlotPicker | None:
    """The slot picker, once the pincode is known."""
    pincode = str(values["pincode"])
    if not pincode or "pincode" in field_errors:
        return None
    professional_id = professional.id if professional else None
    usual = values.get("usual_time")
    usual_time = usual if isinstance(usual, time) else None  # a form could send text
    return await load_slot_picker(
        db,
        service,
        pincode,
        day_of(day),
        customer_id=me.id,
        professional_id=professional_id,
        pick_first=not field_errors,
        usual_time=usual_time,
    )


def _taken() -> Refused:
    return Refused(_("That time has been taken."), reason="taken")


def _is_slot_taken(refusal: Refused | None) -> bool:
    return refusal is not None and refusal.reason == "taken"


async def _find_service(db: AsyncSession, value: object, field_errors: Mapping[str, str]) -> Service:
    text = str(value)
    service_id = (
        parse_row_id(text) or (await ServiceRepository(db).by_slug(text)).id
        if text and not field_errors
        else parse_row_id(text)
    )
    service = await db.get(Service, service_id) if service_id else None
    if service is None:
        raise Invalid(field_errors) if field_errors else Missing()
    return service


def _matching_address_id(addresses: Sequence[Address], values: Mapping[str, Any]) -> object:
    """Id of the saved address of that line and pincode, else of the first of that pincode; "" when there is none."""
    matching = [address for address in addresses if address.pincode == values["pincode"]]
    if line := values.get("address"):
        matching = [address for address in matching if address.line == line]
    return matching[0].id if matching else ""


def _read_start(service: Service, values: Mapping[str, Any], field_errors: dict[str, str]) -> datetime | None:
    """The chosen start; None, with a field error, when it is not possible."""
    text = str(values.get("start", ""))
    if not text:
        return None
    try:
        start = read_start(text)
        check_start(service, start)
    except Invalid as refusal:
        field_errors |= refusal.errors
        return None
    return start


async def _named_professional(
    db: AsyncSession, me: Me, values: dict[str, Any], field_errors: dict[str, str]
) -> AssignedProfessional | None:
    """The named professional; None means anyone."""
    text = str(values.get("professional_id", "")).strip()
    if text in ("", "anyone"):
        values["professional_id"] = ""
        return None
    professional = await OwnBookings(db, me).card(parse_row_id(text), str(values["pincode"]))
    if professional is None or professional.has_left or "professional_id" in field_errors:
        field_errors.setdefault(
            "professional_id", _("We can't find this professional. Choose any available professional.")
        )
        values["professional_id"] = ""
        return None
    return professional


def _idempotency_key(
    encryption: Encryption, me: Me, values: Mapping[str, Any], similar_bookings: list[SimilarBooking]
) -> str:
    """The same key for the same slot, so that Back and a second window make one booking."""
    cancelled_count = sum(booking.state == "cancelled" for booking in similar_bookings)
    parts = [
        me.id,
        *(values.get(name, "") for name in ("service_id", "start", "pincode", "professional_id")),
        cancelled_count,
    ]
    return encryption.digest("|".join(map(str, parts)), "booking form").hex()[:40]


async def _suggested_starts(
    db: AsyncSession, me: Me, service: Service, pincode: str, start: datetime, professional: AssignedProfessional | None
) -> list[datetime]:
    """The free starts nearest to the one that was taken, of the named professional or of anyone."""
    return await nearest_starts(
        db,
        service,
        pincode,
        start,
        customer_id=me.id,
        professional_id=professional.id if professional else None,
        limit=MAX_SUGGESTIONS,
    )
