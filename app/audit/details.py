"""The facts of an event as labelled lines: one value, or the value before and after.

Labels of facts that several rooms record stand here; an event type can label facts of its own (app.core.event_types).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.core import clock
from app.core.datetimes import format_clock_range, format_date_pattern, format_datetime, format_day, format_duration
from app.core.event_types import registry
from app.core.i18n import N_, _
from app.core.money import format_rupees

# The label of each fact, for the middle of a sentence. A test fails when a recorded fact has none.
FIELD_LABELS: dict[str, str] = {
    "state": N_("the status"),
    "standing": N_("the approval status"),
    "role": N_("the role"),
    "name": N_("the name"),
    "full_name": N_("the name"),
    "phone": N_("the phone"),
    "email": N_("the email address"),
    "address": N_("the address"),
    "address_id": N_("which address"),
    "main": N_("the main address"),
    "pincode": N_("the pincode"),
    "note": N_("the note"),
    "reason": N_("the reason"),
    "text": N_("the text"),
    "comment": N_("the comment"),
    "message": N_("the message"),
    "fields": N_("what changed"),
    "kind": N_("the kind"),
    "how": N_("how"),
    "price": N_("the price"),
    "total": N_("the total"),
    "fee": N_("the fee"),
    "minutes": N_("the duration"),
    "notice_minutes": N_("the minimum notice"),
    "horizon_days": N_("how many days ahead it can be booked"),
    "mode": N_("the booking type"),
    "starts_at": N_("the time"),
    "method": N_("the payment method"),
    "cancelled_as": N_("the outcome"),
    "by_clock": N_("completed automatically"),
    "phase": N_("which code"),
    "attempts": N_("tries"),
    "rating": N_("the rating"),
    "professional_id": N_("the professional"),
    "customer_id": N_("the customer"),
    "changed_by": N_("changed by"),
    "reserved_for": N_("whose time is reserved"),
    "rows": N_("the rows"),
    "filters": N_("the filters"),
    "error": N_("the error"),
    "task": N_("the task"),
    "slug": N_("the web address of its page"),
    "short_name": N_("the short name"),
    "category": N_("the category"),
    "category_id": N_("the category"),
    "description": N_("the description"),
    "included": N_("what is included"),
    "excluded": N_("what is not included"),
    "parts": N_("what is said about parts"),
    "preparation": N_("what customers prepare"),
    "guarantee": N_("the guarantee"),
    "questions": N_("the questions and answers"),
    "drawing": N_("the icon"),
    "position": N_("the position on the home page"),
    "open_bookings": N_("open bookings"),
    "expires_on": N_("the first day on which it is no longer valid"),
    "days": N_("days left"),
    "media_type": N_("the type of file"),
    "size": N_("the size in bytes"),
    "pages": N_("pages"),
    "sha256": N_("the fingerprint of the file"),
    "hours": N_("the hours"),
    "services": N_("the services"),
    "checked": N_("what was checked"),
    "trade": N_("the trade"),
    "experience_years": N_("the years of experience"),
    "languages": N_("the languages"),
    "area": N_("the area"),
    "added": N_("added"),
    "removed": N_("removed"),
    "terms_en": N_("the English search words"),
    "terms_hi": N_("the Hindi search words"),
    "terms_ta": N_("the Tamil search words"),
    "terms_translit": N_("the search words in Latin letters"),
    "from": N_("from"),
    "until": N_("until"),
    "url": N_("the destination"),
}
# Facts of every event that no history shows, beside those that event types declare as hidden.
STRUCTURAL_FIELDS = frozenset({"before", "after", "channel"})

MONEY_FIELDS = ("price", "total", "fee", "amount", "withheld", "payout_released")
MINUTE_FIELDS = ("minutes", "notice_minutes")
TIME_FIELDS = ("starts_at", "from", "until")
DATE_FIELDS = ("expires_on",)
USER_FIELDS = ("professional_id", "customer_id", "reserved_for", "changed_by")
# Stored values as people read them; some of them are words of older releases.
ENUM_LABELS: dict[str, str] = {
    "held": N_("waiting for payment"),
    "requested": N_("unassigned"),
    "assigned": N_("accepted"),
    "started": N_("started"),
    "completed": N_("done"),
    "closed": N_("closed"),
    "cancelled": N_("cancelled"),
    "offered": N_("offered"),
    "retired": N_("no longer offered"),
    "submitted": N_("pending"),
    "pending": N_("pending"),
    "approved": N_("approved"),
    "denied": N_("rejected"),
    "replaced": N_("replaced"),
    "active": N_("active"),
    "blocked": N_("blocked"),
    "left": N_("account deleted"),
    "open": N_("active"),
    "off": N_("switched off"),
    "ended": N_("ended"),
    "customer": N_("customer"),
    "professional": N_("professional"),
    "admin": N_("admin"),
    "platform": N_("Doorstep"),
    "unfilled": N_("not accepted in time"),
    "expired": N_("not paid in time"),
    "no_show": N_("customer no-show"),
    "professional_absent": N_("professional no-show"),
    "card": N_("card"),
    "upi": N_("UPI"),
    "bank": N_("bank account"),
    "after": N_("after the job"),
    "start": N_("start code"),
    "finish": N_("finish code"),
    "instant": N_("instant booking"),
    "offer": N_("offered to professionals"),
    "quote": N_("visit, then a quote"),
    "identity": N_("ID"),
    "certificate": N_("certificate"),
    "photo": N_("photo"),
    "downloaded": N_("downloaded"),
    "looked at": N_("viewed"),
    "joining": N_("application"),
    "again": N_("reapplication"),
    "change": N_("change"),
    "full_name": N_("name"),
    "phone": N_("phone"),
    "address": N_("address"),
    "payment": N_("payment method"),
    "device": N_("device"),
    "share_phone": N_("who sees the phone"),
    "counts": N_("counts"),
    "lift": N_("lifted"),
    "doorstep": N_("Doorstep"),
    "shares": N_("the professional and Doorstep, pro rata"),
    "none": N_("no refund and no second visit"),
    "refund": N_("money back"),
    "redo": N_("second visit"),
    "fee_returned": N_("fee returned"),
    "payout_withheld": N_("payout withheld"),
    "late": N_("late"),
    "absent": N_("professional didn't come"),
    "quality": N_("quality of the work"),
    "price": N_("price"),
    "damage": N_("damage"),
    "safety": N_("safety"),
    "unsafe": N_("safety"),
    "no_show_fee": N_("no-show fee"),
    "completed_by_clock": N_("completed automatically"),
    "customer_absent": N_("customer not there"),
    "unpaid": N_("not paid"),
    "other": N_("other"),
    "keep": N_("kept"),
    "excluded": N_("doesn't count"),
    "ta": N_("Tamil"),
    "en": N_("English"),
    "hi": N_("Hindi"),
    "te": N_("Telugu"),
    "ml": N_("Malayalam"),
    "kn": N_("Kannada"),
    "ur": N_("Urdu"),
    "bn": N_("Bengali"),
    "mr": N_("Marathi"),
    "gu": N_("Gujarati"),
    "or": N_("Odia"),
    "pa": N_("Punjabi"),
}


@dataclass(frozen=True, slots=True)
class DetailLine:
    """A label and the value `now`; if `changed`, also the value `before`. Both are formatted, "" if absent."""

    label: str
    now: str
    before: str = ""
    changed: bool = False

    @property
    def head(self) -> str:
        """The label with a capital, for the beginning of a line."""
        return self.label[:1].upper() + self.label[1:]


def detail_lines(
    event_name: str, facts: Mapping[str, Any], personal: Mapping[str, str], people: Mapping[int, str]
) -> list[DetailLine]:
    """`personal` are the personal values that are not erased, `people` the names of the user ids among the facts."""
    return [*_changes(event_name, facts, personal, people), *_plain_facts(event_name, facts, personal, people)]


def user_ids_in(facts: Mapping[str, Any]) -> set[int]:
    """The ids of all users mentioned in the facts."""
    sources = (facts, *(value for value in (facts.get("before"), facts.get("after")) if isinstance(value, dict)))
    return {source[name] for source in sources for name in USER_FIELDS if isinstance(source.get(name), int)}


def _changes(
    event_name: str, facts: Mapping[str, Any], personal: Mapping[str, str], people: Mapping[int, str]
) -> Iterator[DetailLine]:
    before, after = _before_and_after(event_name, facts)
    for field in dict.fromkeys((*before, *after)):
        if _is_hidden(field) or (field in before and field in after and before[field] == after[field]):
            continue
        format_value = _formatter(field, people)
        yield DetailLine(
            _label(event_name, field), format_value(after.get(field)), format_value(before.get(field)), changed=True
        )
    for field in dict.fromkeys(key.partition(".")[2] for key in facts if "." in key):
        new, old = (_personal_value(f"{side}.{field}", field, facts, personal) for side in ("after", "before"))
        line = DetailLine(_label(event_name, field), new, old, changed=True)
        is_private = field in registry.private_fields
        yield replace(line, now=new or old, before="", changed=False) if is_private else line


def _plain_facts(
    event_name: str, facts: Mapping[str, Any], personal: Mapping[str, str], people: Mapping[int, str]
) -> Iterator[DetailLine]:
    for field, value in facts.items():
        if _is_hidden(field) or "." in field or value in (None, "", False, []):
            continue
        erasable = isinstance(value, dict) and "digest" in value
        yield DetailLine(
            _label(event_name, field),
            _personal_value(field, field, facts, personal) if erasable else _formatter(field, people)(value),
        )


def _before_and_after(event_name: str, facts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields before and after. Bare values are those of the type's `bare_field` (the first releases wrote so)."""
    before, after = facts.get("before"), facts.get("after")
    if isinstance(before, dict) or isinstance(after, dict):
        return (before if isinstance(before, dict) else {}), (after if isinstance(after, dict) else {})
    if before is None and after is None:
        return {}, {}
    event_type = registry.get(event_name)
    field = event_type.bare_field if event_type else "state"
    return {field: before}, {field: facts.get(field, after)}


def _is_hidden(field: str) -> bool:
    return field in STRUCTURAL_FIELDS or field in registry.hidden_fields


def _label(event_name: str, field: str) -> str:
    return _(registry.label_of(event_name, field) or FIELD_LABELS.get(field, field))


def _personal_value(key: str, field: str, facts: Mapping[str, Any], personal: Mapping[str, str]) -> str:
    if key not in facts:
        return ""
    if key not in personal:
        return _("erased")
    return _("hidden") if field in registry.private_fields else personal[key]


def _formatter(field: str, people: Mapping[int, str]) -> Callable[[Any], str]:
    def format_value(value: Any) -> str:
        if value is None or value in ("", []):
            return ""
        if field == "hours":
            return ", ".join(_hours_interval(*interval) for interval in value)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, list):
            return ", ".join(format_value(item) for item in value)
        if isinstance(value, dict):
            return ", ".join(f"{key}: {format_value(item)}" for key, item in value.items())
        return _format_scalar(field, value, people)

    return format_value


def _hours_interval(weekday: int, opens: int, closes: int) -> str:
    """Format as "Mon 8 am–12 pm"; weekday 0 is Monday."""
    example = date(2024, 1, 1 + weekday)
    hours = format_clock_range(clock.at(example, opens), clock.at(example, closes))
    return f"{format_date_pattern(example, 'EEE')} {hours}"


def _format_scalar(field: str, value: Any, people: Mapping[int, str]) -> str:
    if field in MONEY_FIELDS and isinstance(value, int):
        return format_rupees(value)
    if field in MINUTE_FIELDS and isinstance(value, int):
        return format_duration(value)
    if field in TIME_FIELDS and isinstance(value, str):
        return format_datetime(datetime.fromisoformat(value))
    if field in DATE_FIELDS and isinstance(value, str):
        return format_day(date.fromisoformat(value))
    if field in USER_FIELDS:
        return _(people.get(value, f"№ {value}"))
    if field in registry.enum_fields:
        return _(ENUM_LABELS.get(str(value), str(value)))
    return str(value)
