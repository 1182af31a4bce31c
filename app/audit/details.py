"""The facts of an event as lines that people read: a label and a value, or what it was and what it is now."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.core import clock
from app.core.datetimes import clock_time, day, minutes_long, when, written
from app.core.i18n import N_, _
from app.core.money import money

# What each fact is called, in the middle of a sentence. A fact without a name here fails the tests.
NAMES: dict[str, str] = {
    "state": N_("the state"),
    "standing": N_("the standing"),
    "role": N_("the role"),
    "name": N_("the name"),
    "full_name": N_("the name"),
    "phone": N_("the phone"),
    "email": N_("the e-mail address"),
    "address": N_("the address"),
    "address_id": N_("which address"),
    "main": N_("the main one"),
    "pincode": N_("the pincode"),
    "note": N_("the note"),
    "reason": N_("the reason"),
    "text": N_("the words"),
    "comment": N_("the comment"),
    "message": N_("the message"),
    "fields": N_("what changed"),
    "kind": N_("the kind"),
    "how": N_("how"),
    "price": N_("the price"),
    "total": N_("the total"),
    "fee": N_("the fee"),
    "minutes": N_("the length"),
    "notice_minutes": N_("the notice needed"),
    "horizon_days": N_("how many days ahead it can be booked"),
    "mode": N_("the way of booking"),
    "starts_at": N_("the time"),
    "method": N_("the way of paying"),
    "cancelled_as": N_("how it ended"),
    "by_clock": N_("ended by the clock"),
    "phase": N_("which code"),
    "attempts": N_("tries"),
    "rating": N_("the stars"),
    "professional_id": N_("the professional"),
    "reserved_for": N_("whose time is kept"),
    "rows": N_("the rows"),
    "filters": N_("what it was asked for"),
    "error": N_("what went wrong"),
    "task": N_("the task"),
    "slug": N_("the address of its page"),
    "short_name": N_("the short name"),
    "category": N_("the category"),
    "category_id": N_("the category"),
    "description": N_("the description"),
    "included": N_("what is included"),
    "excluded": N_("what is not included"),
    "drawing": N_("the drawing"),
    "position": N_("the place on the home page"),
    "open_bookings": N_("open bookings"),
    "expires_on": N_("the day from which it no longer counts"),
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
    "area": N_("the area"),
    "added": N_("added"),
    "removed": N_("taken away"),
    "terms_en": N_("the English search words"),
    "terms_hi": N_("the Hindi search words"),
    "terms_ta": N_("the Tamil search words"),
    "terms_translit": N_("the search words in Latin letters"),
    "from": N_("from"),
    "until": N_("until"),
    "url": N_("where it goes"),
}
# Known to the chain alone.
UNSAID = ("before", "after", "channel", "admins", "category_id", "service_id")
# Personal, and shown only where looking is recorded: not in a history.
SHY = ("address", "note", "phone", "email")

# What a bare word before and after is, where it is not the state.
BARE = {
    "booking.moved": "starts_at",
    "booking.requoted": "price",
    "person.promoted": "role",
    "person.demoted": "role",
}
MONEY = ("price", "total", "fee")
MINUTES = ("minutes", "notice_minutes")
MOMENTS = ("starts_at", "from", "until")
DAYS = ("expires_on",)
PEOPLE = ("professional_id", "reserved_for")
CODED = ("state", "standing", "role", "kind", "how", "method", "cancelled_as", "phase", "mode", "fields")
WORDS: dict[str, str] = {
    "held": N_("kept while paying"),
    "requested": N_("waiting for a professional"),
    "assigned": N_("accepted"),
    "started": N_("started"),
    "completed": N_("done"),
    "closed": N_("closed"),
    "cancelled": N_("cancelled"),
    "offered": N_("offered"),
    "retired": N_("no longer offered"),
    "submitted": N_("waiting"),
    "pending": N_("waiting"),
    "approved": N_("approved"),
    "denied": N_("denied"),
    "replaced": N_("replaced"),
    "active": N_("active"),
    "blocked": N_("blocked"),
    "left": N_("left"),
    "open": N_("working"),
    "off": N_("switched off"),
    "ended": N_("ended"),
    "customer": N_("customer"),
    "professional": N_("professional"),
    "admin": N_("admin"),
    "platform": N_("Doorstep"),
    "unfilled": N_("nobody accepted"),
    "expired": N_("not paid in time"),
    "no_show": N_("nobody at the door"),
    "professional_absent": N_("nobody came"),
    "card": N_("card"),
    "upi": N_("UPI"),
    "after": N_("after the work"),
    "start": N_("start code"),
    "finish": N_("finish code"),
    "instant": N_("booked at once"),
    "offer": N_("offered to professionals"),
    "quote": N_("a visit, then a price"),
    "identity": N_("proof of identity"),
    "certificate": N_("certificate"),
    "downloaded": N_("downloaded"),
    "looked at": N_("looked at"),
    "joining": N_("joining"),
    "again": N_("asking again"),
    "change": N_("a change"),
    "full_name": N_("name"),
    "phone": N_("phone"),
    "address": N_("address"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """`changed`: it was `before` and is `now`; else only `now`. Both are written out, "" where there is nothing."""

    label: str
    now: str
    before: str = ""
    changed: bool = False

    @property
    def head(self) -> str:
        """The label where a line begins with it."""
        return self.label[:1].upper() + self.label[1:]


def lines_of(name: str, facts: Mapping[str, Any], kept: Mapping[str, str], people: Mapping[int, str]) -> list[Line]:
    """`kept` are the personal values that are not erased, `people` the names of the ids among the facts."""
    return [*_changes(name, facts, kept, people), *_plain(facts, kept, people)]


def ids_in(facts: Mapping[str, Any]) -> set[int]:
    """Whoever is meant in them."""
    told = (facts, *(one for one in (facts.get("before"), facts.get("after")) if isinstance(one, dict)))
    return {one[name] for one in told for name in PEOPLE if isinstance(one.get(name), int)}


def _changes(name: str, facts: Mapping[str, Any], kept: Mapping[str, str], people: Mapping[int, str]) -> Iterator[Line]:
    before, after = _sides(name, facts)
    for field in dict.fromkeys((*before, *after)):
        if field in UNSAID:
            continue
        said = _teller(field, people)
        yield Line(_(NAMES.get(field, field)), said(after.get(field)), said(before.get(field)), changed=True)
    for field in dict.fromkeys(key.partition(".")[2] for key in facts if "." in key):
        now, was = (_personal(f"{side}.{field}", field, facts, kept) for side in ("after", "before"))
        told = Line(_(NAMES.get(field, field)), now, was, changed=True)
        yield replace(told, now=now or was, before="", changed=False) if field in SHY else told


def _plain(facts: Mapping[str, Any], kept: Mapping[str, str], people: Mapping[int, str]) -> Iterator[Line]:
    for field, value in facts.items():
        if field in UNSAID or "." in field or value in (None, "", False, []):
            continue
        erasable = isinstance(value, dict) and "digest" in value
        yield Line(
            _(NAMES.get(field, field)),
            _personal(field, field, facts, kept) if erasable else _teller(field, people)(value),
        )


def _sides(name: str, facts: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was and what is. A bare word is the state; what the first releases wrote of a move or a price, that."""
    before, after = facts.get("before"), facts.get("after")
    if isinstance(before, dict) or isinstance(after, dict):
        return (before if isinstance(before, dict) else {}), (after if isinstance(after, dict) else {})
    if before is None and after is None:
        return {}, {}
    field = BARE.get(name, "state")
    return {field: before}, {field: facts.get(field, after)}


def _personal(key: str, field: str, facts: Mapping[str, Any], kept: Mapping[str, str]) -> str:
    if key not in facts:
        return ""
    if key not in kept:
        return _("erased")
    return _("not shown here") if field in SHY else kept[key]


def _teller(field: str, people: Mapping[int, str]) -> Callable[[Any], str]:
    def told(value: Any) -> str:
        if value is None or value in ("", []):
            return ""
        if field == "hours":
            return ", ".join(_stretch(*one) for one in value)
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, list):
            return ", ".join(told(one) for one in value)
        if isinstance(value, dict):
            return ", ".join(f"{key}: {told(one)}" for key, one in value.items())
        return _written(field, value, people)

    return told


def _stretch(weekday: int, opens: int, closes: int) -> str:
    """Mon 08:00–12:00; weekday 0 is Monday."""
    some = date(2024, 1, 1 + weekday)
    return f"{written(some, 'EEE')} {clock_time(clock.at(some, opens))}–{clock_time(clock.at(some, closes))}"


def _written(field: str, value: Any, people: Mapping[int, str]) -> str:
    if field in MONEY and isinstance(value, int):
        return money(value)
    if field in MINUTES and isinstance(value, int):
        return minutes_long(value)
    if field in MOMENTS and isinstance(value, str):
        return when(datetime.fromisoformat(value))
    if field in DAYS and isinstance(value, str):
        return day(date.fromisoformat(value))
    if field in PEOPLE:
        return _(people.get(value, f"№ {value}"))
    if field in CODED:
        return _(WORDS.get(str(value), str(value)))
    return str(value)
