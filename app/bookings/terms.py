"""The figures of the rules: how long things may take, and what a late change costs (docs/rules.md)."""

from datetime import timedelta

HOLD = timedelta(minutes=7)
ASKED_FIRST = timedelta(minutes=10)
TURNAROUND = timedelta(minutes=10)
FREE_UNTIL = timedelta(hours=3)
LATE_FEE = 100_00  # paise
UNFILLED_BEFORE = timedelta(minutes=60)
NOBODY_AT_DOOR = timedelta(minutes=15)
NOBODY_CAME = timedelta(minutes=30)
COMPLETED_BY_CLOCK = timedelta(hours=12)
CLOSED_AFTER = timedelta(days=7)
CONTACT_AFTER_JOB = timedelta(hours=24)
REVIEW_OPEN = timedelta(hours=48)
