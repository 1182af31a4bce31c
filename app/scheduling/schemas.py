"""Parse the forms of hours, time off and area; Invalid names each wrong field."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import Range

from app.accounts.contact_fields import parse_pincodes
from app.core import clock
from app.core.card_numbers import contains_card_number
from app.core.datetimes import YEARS, format_time_input, parse_clock_time, parse_moment
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.typed_text import plain_line
from app.core.validation import FieldError

DAYS = range(7)
MIN_PAIRS, MAX_PAIRS = 2, 6  # of a day; the form shows more only if they were sent
HOURS_FIELD = re.compile(r"(?:from|to)-[0-6]-([1-9][0-9]{0,2})")
MINUTES_PER_DAY = 24 * 60
MAX_TIME_OFF = timedelta(days=120)
MAX_ADVANCE = timedelta(days=730)
RADIUS_KM = range(1, 41)
MAX_PINCODES = 300

Stretch = tuple[int, int, int]


def hours_of(sent: Mapping[str, str]) -> list[Stretch]:
    """(weekday, opens, closes) from the fields from-0-1, to-0-1 … to-6-6; empty pairs are no work, touching join.

    An end before the start is on the next day: such a stretch becomes two, until midnight and from midnight on.
    """
    errors: dict[str, str] = {}
    parts = _parts(sent)
    pairs = sorted(filter(None, (_pair(sent, day, part, errors) for day in DAYS for part in parts)))
    _check_overlaps(pairs, errors)
    for day in DAYS:
        filled = [part for part in parts if _is_filled(sent, day, part)]
        if len(filled) > MAX_PAIRS:
            errors[f"from-{day}-{filled[MAX_PAIRS]}"] = _("Enter up to %(most)s stretches of hours.", most=MAX_PAIRS)
    if errors:
        raise Invalid(errors)
    by_day: dict[int, list[tuple[int, int]]] = {day: [] for day in DAYS}
    for opens, closes, _name in pairs:
        day, start = divmod(opens, MINUTES_PER_DAY)
        end = start + closes - opens
        by_day[day].append((start, min(end, MINUTES_PER_DAY)))
        if end > MINUTES_PER_DAY:
            by_day[(day + 1) % len(DAYS)].append((0, end - MINUTES_PER_DAY))
    return [(day, opens, closes) for day in DAYS for opens, closes in _merge_touching(sorted(by_day[day]))]


def hours_fields(stretches: Iterable[Stretch]) -> dict[str, str]:
    """The fields of the form from which hours_of reads these stretches again."""
    by_day: dict[int, list[tuple[int, int]]] = {day: [] for day in DAYS}
    for weekday, opens, closes in sorted(stretches):
        by_day[weekday].append((opens, closes))
    after_midnight = {day: _after_midnight(by_day[day], by_day[(day + 1) % len(DAYS)]) for day in DAYS}
    fields: dict[str, str] = {}
    for day, pairs in by_day.items():
        own = pairs[1:] if after_midnight[day - 1 if day else DAYS[-1]] is not None else pairs
        for part, (opens, closes) in enumerate(own, 1):
            end = after_midnight[day] if part == len(own) else None
            fields[f"from-{day}-{part}"] = format_time_input(opens)
            fields[f"to-{day}-{part}"] = format_time_input(closes % MINUTES_PER_DAY if end is None else end)
    return fields


def shown_parts(fields: Mapping[str, str]) -> dict[int, int]:
    """How many pairs the form shows, by day: one more than are filled."""
    parts = _parts(fields)
    filled = {day: max((part for part in parts if _is_filled(fields, day, part)), default=0) for day in DAYS}
    return {day: max(count, min(max(count + 1, MIN_PAIRS), MAX_PAIRS)) for day, count in filled.items()}


def overnight_ends(fields: Mapping[str, str]) -> set[str]:
    """The fields of ends that are on the next day, after its midnight."""
    names = [(f"from-{day}-{part}", f"to-{day}-{part}") for day in DAYS for part in _parts(fields)]
    pairs = ((parse_clock_time(fields.get(opens, "")), closes) for opens, closes in names)
    return {
        closes
        for opens, closes in pairs
        if opens is not None and 0 < (parse_clock_time(fields.get(closes, "")) or 0) < opens
    }


def time_off_of(sent: Mapping[str, str]) -> tuple[Range[datetime], str]:
    """From a moment until a moment, Asia/Kolkata; at most 120 days, in the next two years."""
    errors: dict[str, str] = {}
    since, until = _datetime(sent, "from", errors), _datetime(sent, "until", errors)
    reason = sent.get("reason", "").strip()
    if len(reason) > 200:
        errors["reason"] = _("Use 200 characters or fewer.")
    elif contains_card_number(reason):
        errors["reason"] = _("This looks like a card number. Enter it only when you pay.")
    if since and until and until == since:
        errors["until"] = _("The end is the same as the start.")
    elif since and until and until < since:
        errors["until"] = _("The end is before the start.")
    elif until and until <= clock.now():
        errors["until"] = _("This is already over.")
    elif since and until and until - since > MAX_TIME_OFF:
        errors["until"] = _("Choose 120 days or fewer at a time.")
    if since and since > clock.now() + MAX_ADVANCE:
        errors["from"] = _("That date is too far ahead.")
    if errors or since is None or until is None:
        raise Invalid(errors)
    return Range(since, until, bounds="[)"), reason


def radius_of(sent: Mapping[str, str]) -> int:
    typed = plain_line(sent.get("radius_km", ""))
    if not typed.isdecimal() or len(typed) > 3 or int(typed) not in RADIUS_KM:
        raise Invalid({"radius_km": _("Enter whole kilometres from 1 to 40.")})
    return int(typed)


def pincodes_of(sent: Mapping[str, str]) -> list[str]:
    """As typed, divided by spaces, commas or lines."""
    try:
        pincodes = set(parse_pincodes(sent.get("pincodes", "")))
    except FieldError as error:
        raise Invalid({"pincodes": str(error)}) from error
    if not 1 <= len(pincodes) <= MAX_PINCODES:
        raise Invalid({"pincodes": _("Enter 1 to %(most)s pincodes.", most=MAX_PINCODES)})
    return sorted(pincodes)


def _parts(fields: Mapping[str, str]) -> list[int]:
    """The numbers of the pairs that the form has, ascending."""
    return sorted({int(match[1]) for name in fields if (match := HOURS_FIELD.fullmatch(name))})


def _is_filled(fields: Mapping[str, str], day: int, part: int) -> bool:
    return bool(fields.get(f"from-{day}-{part}", "").strip() or fields.get(f"to-{day}-{part}", "").strip())


def _pair(sent: Mapping[str, str], day: int, part: int, errors: dict[str, str]) -> tuple[int, int, str] | None:
    """Start and end in minutes after Monday's midnight, and the name of the first field; None for an empty pair."""
    opens_name, closes_name = f"from-{day}-{part}", f"to-{day}-{part}"
    opens, closes = sent.get(opens_name, "").strip(), sent.get(closes_name, "").strip()
    if not opens and not closes:
        return None
    first, last = parse_clock_time(opens), parse_clock_time(closes)
    last = MINUTES_PER_DAY if last == 0 else last
    if first is None or first == MINUTES_PER_DAY:
        errors[opens_name] = _("Enter the start time.")
    if last is None:
        errors[closes_name] = _("Enter the end time.")
    if first is None or last is None:
        return None
    if last == first:
        errors[closes_name] = _("The end is the same as the start.")
        return None
    midnight = day * MINUTES_PER_DAY
    return midnight + first, midnight + (last if last > first else last + MINUTES_PER_DAY), opens_name


def _check_overlaps(pairs: list[tuple[int, int, str]], errors: dict[str, str]) -> None:
    """Name the later of two stretches that overlap; after Sunday comes Monday."""
    week = len(DAYS) * MINUTES_PER_DAY
    monday = [(opens + week, closes + week, name) for opens, closes, name in pairs if opens < MINUTES_PER_DAY]
    taken_until = taken_from = 0
    for opens, closes, name in pairs + monday:
        if opens < taken_until and opens // MINUTES_PER_DAY == taken_from // MINUTES_PER_DAY:
            errors.setdefault(name, _("These hours overlap."))
        elif opens < taken_until:
            errors.setdefault(name, _("The hours of the day before run into these."))
        if closes > taken_until:
            taken_from, taken_until = opens, closes


def _after_midnight(day: list[tuple[int, int]], next_day: list[tuple[int, int]]) -> int | None:
    """When the day's last stretch ends on the next day; None if it does not, or does not fit into one pair."""
    if not day or not next_day or day[-1][1] != MINUTES_PER_DAY or next_day[0][0] != 0:
        return None
    end = next_day[0][1]
    return end if end < day[-1][0] else None


def _merge_touching(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for opens, closes in stretches:
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined


def _datetime(sent: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    moment = parse_moment(sent.get(name, ""))
    if moment is None or moment.year not in YEARS:
        errors[name] = _("Enter a day and a time.")
        return None
    return moment
