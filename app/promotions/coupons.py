"""Coupons as admins add and end them (W37)."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.db import violated_constraint
from app.core.errors import Invalid, Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.money import parse_rupees
from app.core.typed_text import plain_line
from app.core.validation import FieldError, collect
from app.promotions.coupon import Coupon, CouponKind
from app.promotions.discounts import parse_code
from app.promotions.repository import Coupons

CODE = re.compile(r"[A-Z0-9]{3,20}")
MAX_VALUE_PAISE = 100_000_00
MAX_COUNT = 1_000_000
PERCENT = range(1, 101)


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What a coupon takes off: `value` in paise or percent, at most `cap` paise; for whom, when and how often."""

    code: str
    kind: CouponKind
    value: int
    cap: int | None
    from_day: date
    until_day: date | None
    per_person: int | None
    total: int | None
    first_visit: bool


def read_terms(typed: Mapping[str, str]) -> CouponTerms:
    """Read code, kind, value, cap, from, until, per_person, total, first_visit. Raises Invalid beside each of them."""
    kind = typed.get("kind", "").strip()
    values: dict[str, Any] = collect(
        {
            "code": partial(_code, typed.get("code", "")),
            "kind": partial(_kind, kind),
            "value": partial(_value, kind, typed.get("value", "")),
            "cap": partial(_cap, kind, typed.get("cap", "")),
            "from": partial(_day, typed.get("from", "")),
            "until": partial(_day, typed.get("until", "")),
            "per_person": partial(_count, typed.get("per_person", "")),
            "total": partial(_count, typed.get("total", "")),
        }
    )
    from_day, until_day = values.pop("from") or clock.today(), values.pop("until")
    if until_day is not None and until_day < max(from_day, clock.today()):
        raise Invalid({"until": _("Choose a day that isn't past or before the first day.")})
    first_visit = typed.get("first_visit", "").strip() == "yes"
    return CouponTerms(**values, from_day=from_day, until_day=until_day, first_visit=first_visit)


async def create_coupon(db: AsyncSession, by: Person, terms: CouponTerms) -> Coupon:
    """Invalid("code") for a code that there is already."""
    coupon = Coupon(**asdict(terms), used=0, created_at=clock.now(), created_by_id=by.id)
    coupon.record("coupon.created", by=by, kind=str(terms.kind), value=terms.value, cap=terms.cap)
    try:
        async with db.begin_nested():
            db.add(coupon)
    except IntegrityError as error:
        if violated_constraint(error) != "coupons_code_key":
            raise
        raise Invalid({"code": _("There is a coupon with this code already.")}) from error
    return coupon


async def end_coupon(db: AsyncSession, by: Person, code: str) -> Coupon:
    """No new booking may use it; bookings that use it keep it. Missing; Refused("ended")."""
    coupon = await Coupons(db).find(parse_code(code), lock=True)
    if coupon is None:
        raise Missing
    if coupon.ended_at is not None:
        raise Refused(_("This coupon has ended already."), reason="ended", about="coupon")
    coupon.ended_at = clock.now()
    coupon.record("coupon.ended", by=by)
    await db.flush()
    return coupon


def _code(typed: str) -> str:
    code = parse_code(typed)
    if not CODE.fullmatch(code):
        raise FieldError(_("Enter 3 to 20 letters and digits, such as WELCOME50."))
    return code


def _kind(typed: str) -> CouponKind:
    if typed not in tuple(CouponKind):
        raise FieldError(_("Choose an amount or a percentage."))
    return CouponKind(typed)


def _value(kind: str, typed: str) -> int:
    if kind != CouponKind.PERCENT:
        return _rupees(typed)
    percent = _integer(typed.strip().removesuffix("%"))
    if percent not in PERCENT:
        raise FieldError(_("Enter a percentage from 1 to 100."))
    return percent


def _cap(kind: str, typed: str) -> int | None:
    if not typed.strip():
        return None
    if kind != CouponKind.PERCENT:
        raise FieldError(_("Only a percentage has a limit. Leave this empty."))
    return _rupees(typed)


def _rupees(typed: str) -> int:
    try:
        return parse_rupees(typed, 1, MAX_VALUE_PAISE)
    except Invalid as error:
        raise FieldError(error.errors["price"]) from error


def _count(typed: str) -> int | None:
    if not typed.strip():
        return None
    count = _integer(typed)
    if not 1 <= count <= MAX_COUNT:
        raise FieldError(_("Enter a number from 1 to 10,00,000, or leave this empty."))
    return count


def _integer(typed: str) -> int:
    """-1 for what is none."""
    digits = plain_line(typed[:20]).replace(",", "")
    return int(digits) if digits.isascii() and digits.isdecimal() else -1


def _day(typed: str) -> date | None:
    if not typed.strip():
        return None
    day = parse_day(typed, YEARS)
    if day is None:
        raise FieldError(_("Enter a date, such as 2026-12-31."))
    return day
