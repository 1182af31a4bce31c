"""A language that nobody speaks: what every word of ours looks like when it is translated, ⟦in brackets⟧."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from app.core import i18n

POT = i18n.FOLDER / "messages.pot"
LOCALE = "ta_IN"
UNREAD = {"script", "style"}
READ_ALOUD = {"alt", "aria-label", "aria-description", "placeholder", "title"}
BUTTONS = {"submit", "button", "reset"}
LETTER = re.compile(r"[A-Za-z]")


@contextmanager
def offered_in(folder: Path) -> Iterator[None]:
    """As if somebody had translated everything into Tamil so. Placeholders stay as they are."""
    made = folder / LOCALE / "LC_MESSAGES"
    made.mkdir(parents=True)
    with POT.open("rb") as pot, (made / "messages.mo").open("wb") as mo:
        write_mo(mo, _translated(read_po(pot)))
    i18n.offer(folder)
    try:
        yield
    finally:
        i18n.offer()


def _translated(template: Catalog) -> Catalog:
    done = Catalog(locale=LOCALE)
    for message in template:
        if message.id:
            texts = tuple(map(bracketed, message.id)) if message.pluralizable else bracketed(message.id)
            done.add(message.id, texts)
    return done


def bracketed(text: str) -> str:
    return f"⟦{text}⟧"


class Untranslated(HTMLParser):
    """`left` is what somebody reads or hears of a page that stands in no brackets, piece by piece."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.left: list[str] = []
        self._depth = 0
        self._unread = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in UNREAD
        given = {name: value or "" for name, value in attrs}
        spoken = [value for name, value in given.items() if name in READ_ALOUD]
        if tag == "input" and given.get("type") in BUTTONS:
            spoken.append(given.get("value", ""))
        if tag == "meta" and given.get("name") == "description":
            spoken.append(given.get("content", ""))
        for text in spoken:
            self._take(text, 0)

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        """A translation may hold elements: what stands between its brackets is translated, however deep."""
        if not self._unread:
            self._depth = self._take(data, self._depth)

    def _take(self, text: str, depth: int) -> int:
        piece = ""
        for sign in text:
            if depth == 0 and sign != "⟦":
                piece += sign
            depth += (sign == "⟦") - (sign == "⟧")
        self.left.append(" ".join(piece.split()))
        return depth


def untranslated(html: str, data: list[str]) -> list[str]:
    """What of the page is neither translated nor `data`. Longer data first, so that a name is taken whole."""
    longest_first = map(re.escape, sorted(data, key=len, reverse=True))
    known = re.compile(rf"https?://\S+|(?<!\w)({'|'.join(longest_first)})(?!\w)")
    return [piece for piece in Untranslated(html).left if LETTER.search(known.sub("", piece))]
