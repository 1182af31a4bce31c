"""Parse the forms of hours, time off and area; Invalid names each wrong field."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import Range

from app.core import clock
from app.core.card_numbers import contains_card_number
from app.core.errors import Invalid
from app.core.i18n import _

DAYS = range(7)
STRETCHES = (1, 2)
MINUTES_PER_DAY = 24 * 60
MAX_TIME_OFF = timedelta(days=120)
MAX_ADVANCE = timedelta(days=730)
RADIUS_KM = range(1, 41)
MAX_PINCODES = 300
TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::00)?")

Stretch = tuple[int, int, int]


def hours_of(sent: Mapping[str, str]) -> list[Stretch]:
    """(weekday, opens, closes) from the fields from-0-1, to-0-1 … to-6-2; empty pairs are no work, touching join."""
    errors: dict[str, str] = {}
    found: list[Stretch] = []
    for day in DAYS:
        stretches = sorted(filter(None, (_stretch(sent, day, part, errors) for part in STRETCHES)))
        for before, after in zip(stretches, stretches[1:], strict=False):
            if after[0] < before[1]:
                errors.setdefault(f"from-{day}-2", _("These hours overlap."))
        found += [(day, opens, closes) for opens, closes in _merge_touching(stretches)]
    if errors:
        raise Invalid(errors)
    return found


def time_off_of(sent: Mapping[str, str]) -> tuple[Range[datetime], str]:
    """From a moment until a moment, Asia/Kolkata; at most 120 days, in the next two years."""
    errors: dict[str, str] = {}
    since, until = _datetime(sent, "from", errors), _datetime(sent, "until", errors)
    reason = sent.get("reason", "").strip()
    if len(reason) > 200:
        errors["reason"] = _("Use 200 characters or fewer.")
    elif contains_card_number(reason):
        errors["reason"] = _("This looks like a card number. Enter it only when you pay.")
    if since and until and until <= since:
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
    typed = sent.get("radius_km", "").strip()
    if not typed.isdecimal() or len(typed) > 3 or int(typed) not in RADIUS_KM:
        raise Invalid({"radius_km": _("Enter whole kilometres from 1 to 40.")})
    return int(typed)


def pincodes_of(sent: Mapping[str, str]) -> list[str]:
    """As typed, divided by spaces, commas or lines."""
    typed = [pincode for pincode in re.split(r"[\s,;]+", sent.get("pincodes", "")) if pincode]
    malformed = [pincode[:12] for pincode in typed if not re.fullmatch(r"[1-9][0-9]{5}", pincode)]
    if malformed:
        raise Invalid({"pincodes": _("%(what)s isn't a pincode. Enter 6 digits.", what=malformed[0])})
    if not typed or len(set(typed)) > MAX_PINCODES:
        raise Invalid({"pincodes": _("Enter 1 to %(most)s pincodes.", most=MAX_PINCODES)})
    return sorted(set(typed))


def _stretch(sent: Mapping[str, str], day: int, part: int, errors: dict[str, str]) -> tuple[int, int] | None:
    opens_name, closes_name = f"from-{day}-{part}", f"to-{day}-{part}"
    opens, closes = sent.get(opens_name, "").strip(), sent.get(closes_name, "").strip()
    if not opens and not closes:
        return None
    first, last = _minutes(opens), _minutes(closes)
    last = MINUTES_PER_DAY if last == 0 else last
    if first is None or first == MINUTES_PER_DAY:
        errors[opens_name] = _("Enter the start time.")
    if last is None:
        errors[closes_name] = _("Enter the end time.")
    if first is None or last is None:
        return None
    if last <= first:
        errors[closes_name] = _("The end is before the start.")
    return first, last


def _minutes(typed: str) -> int | None:
    found = TIME.fullmatch(typed)
    minutes = int(found[1]) * 60 + int(found[2]) if found else None
    return None if minutes is None or minutes > MINUTES_PER_DAY else minutes


def _merge_touching(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for opens, closes in stretches:
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return joined


def _datetime(sent: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(sent.get(name, "").strip())
        if not 2020 <= moment.year <= 2100:
            raise ValueError
    except ValueError:
        errors[name] = _("Enter a day and a time.")
        return None
    return moment.replace(tzinfo=clock.IST) if moment.tzinfo is None else moment
