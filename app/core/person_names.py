"""Split a person's name as typed into its title, its initials and its full parts."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from app.core.typed_text import JOINERS

VIRAMA_CLASS = 9

TITLES = frozenset(
    (
        *("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "er", "adv", "rev", "capt", "maj", "col", "lt"),
        *("shri", "shree", "sri", "sree", "smt", "kum", "thiru", "thirumathi", "tmt"),
        *("திரு", "திருமதி", "முனைவர்", "டாக்டர்", "ஸ்ரீ", "ஶ்ரீ"),
        *("श्री", "श्रीमती", "सुश्री", "डॉ", "प्रो"),
    )
)


class NameParts(NamedTuple):
    """`full` has neither titles nor initials; `initials` are written with a dot; `ordered` are both as typed."""

    full: tuple[str, ...]
    initials: tuple[str, ...]
    ordered: tuple[str, ...]


@lru_cache(maxsize=4096)  # lists of people split each name several times
def split_name(name: str) -> NameParts:
    """Split "Mr. S.K. Ravi Kumar" into the full parts Ravi, Kumar and the initials S., K.

    A word is a title only before the first full part: "Anu Sri" has two full parts.
    """
    full: list[str] = []
    initials: list[str] = []
    ordered: list[str] = []
    for token in re.sub(r"\.(?=[^\s.])", ". ", name).split():
        part = token.strip(",;.")
        if not any(unicodedata.category(char)[0] == "L" for char in part):
            continue
        if is_initial(token.strip(",;")):
            initials.append(f"{part}.")
        elif full or part.casefold() not in TITLES:
            full.append(part)
        else:
            continue
        ordered.append(part)
    return NameParts(tuple(full), tuple(initials), tuple(ordered))


def is_initial(part: str) -> bool:
    """Whether it is one letter as readers see it; in scripts without capitals only with a dot."""
    letter = part.removesuffix(".")
    if first_letter(letter) != letter or not letter:
        return False
    return part.endswith(".") or letter.lower() != letter.upper()


def first_letter(part: str) -> str:
    """Return the first letter with its marks; in Indian scripts but Tamil with what a virama joins to it."""
    start = next((index for index, char in enumerate(part) if unicodedata.category(char)[0] == "L"), None)
    if start is None:
        return ""
    end = start + 1
    while end < len(part):
        is_joined = _joins(part[start:end]) and unicodedata.category(part[end])[0] == "L"
        if not is_joined and unicodedata.category(part[end])[0] != "M" and part[end] not in JOINERS:
            break
        end += 1
    return part[start:end]


def _joins(cluster: str) -> bool:
    last = cluster.rstrip(JOINERS)[-1]
    return unicodedata.combining(last) == VIRAMA_CLASS and not "\u0b80" <= last <= "\u0bff"
