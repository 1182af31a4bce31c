"""Times of day for people are formatted in one place, app/core/datetimes.py, by the reader's locale."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORMATTER = "app/core/datetimes.py"
SOURCES = sorted(
    str(path.relative_to(ROOT))
    for folder, pattern in (("app", "*.py"), ("tasks", "*.py"), ("templates", "*.*"))
    for path in (ROOT / folder).rglob(pattern)
)
# "T%H:%M" is the value of a slot in a form, which programs read; any other pattern of hours and minutes is for people.
OWN_FORMAT = re.compile(r"(?<!T)%-?[HI][:.]%M|%[Xcp]\b|\b[Hh]{1,2}[:.]mm|HH(?:12|24)?:MI|:02d?\}:\{|\bformat_time\(")
FIXED_TIME = re.compile(r"(?<![\d:T+.-])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:])")
ALLOWED = {
    "app/scheduling/personal_data.py": "the download of a person's data, read by programs",
    "app/notifications/personal_data.py": "the download of a person's data, read by programs",
}


def matches(pattern: re.Pattern[str], names: list[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name in names
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").split("\n"), 1)
        if pattern.search(line)
    ]


def test_no_file_formats_times_of_day_itself() -> None:
    assert not matches(OWN_FORMAT, [name for name in SOURCES if name != FORMATTER and name not in ALLOWED])


def test_no_template_writes_a_time_of_day() -> None:
    assert not matches(FIXED_TIME, [name for name in SOURCES if name.startswith("templates/")])


def test_the_patterns_recognise_what_they_forbid() -> None:
    own = ['strftime("%H:%M")', "f'{at:%I:%M}'", '"HH:mm"', '"h:mm a"', 'f"{m // 60:02d}:{m % 60:02d}"', "'HH24:MI'"]
    assert all(map(OWN_FORMAT.search, own))
    assert not OWN_FORMAT.search('strftime("%Y-%m-%dT%H:%M")')
    assert FIXED_TIME.findall("from 16:30 to 9:05") == ["16:30", "9:05"]
    assert not FIXED_TIME.findall("2026-11-24T10:00:00+05:30")


def test_every_allowed_file_still_formats_times() -> None:
    assert all(matches(OWN_FORMAT, [name]) for name in ALLOWED)
