"""The banks of India by the four letters with which their IFSC begins."""

import re
from functools import cache
from pathlib import Path

BANKS_FILE = Path(__file__).parent / "data" / "banks.txt"
IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")


def bank_name(ifsc: str) -> str | None:
    """The name of the bank of a well-formed IFSC; None if there is no such bank."""
    return _banks().get(ifsc[:4])


@cache
def _banks() -> dict[str, str]:
    lines = BANKS_FILE.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if not line.startswith("#"))
