"""One customer's calendar month (Asia/Kolkata), as it is kept and told."""

from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from app.core import clock


class Past(Struct, frozen=True):
    """A booking of the month: its start, what it was, what was paid for it in the month (paise), and how it ended."""

    at: datetime
    reference: str
    service: str
    state: str
    paid: int


class Ahead(Struct, frozen=True):
    """What was to come when the month was over."""

    at: datetime
    reference: str
    service: str


class Month(Struct, frozen=True):
    """`spent` paise reached us in the month, refunds taken off; `stars` is the mean of the reviews written in it."""

    done: int
    cancelled: int
    spent: int
    reviews: int
    stars: float
    bookings: list[Past]
    coming: list[Ahead]

    @property
    def is_empty(self) -> bool:
        return not (self.bookings or self.coming or self.spent or self.reviews)


def to_facts(month: Month) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(month)
    return facts


def of_facts(facts: dict[str, Any]) -> Month:
    return msgspec.convert(facts, Month)


def span_of(month: date) -> tuple[datetime, datetime]:
    """Its first moment, and the first of the next one."""
    return clock.at(month), clock.at(next_month(month))


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def month_before(day: date) -> date:
    """The first day of the calendar month before the one of `day`."""
    return date(day.year - (day.month == 1), (day.month - 2) % 12 + 1, 1)
