"""A pseudo-translation: every translatable string in ⟦brackets⟧."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from app.core import i18n

POT = i18n.TRANSLATIONS_DIR / "messages.pot"
LOCALE = "ta_IN"
UNREAD = {"script", "style"}
READ_ALOUD = {"alt", "aria-label", "aria-description", "placeholder", "title"}
BUTTONS = {"submit", "button", "reset"}
LATIN_CHARACTER = re.compile(r"[A-Za-z]")


@contextmanager
def offered_in(folder: Path) -> Iterator[None]:
    """Install the pseudo-translation as Tamil; placeholders stay as they are."""
    directory = folder / LOCALE / "LC_MESSAGES"
    directory.mkdir(parents=True)
    with POT.open("rb") as pot, (directory / "messages.mo").open("wb") as mo:
        write_mo(mo, _translated(read_po(pot)))
    i18n.load_translations(folder)
    try:
        yield
    finally:
        i18n.load_translations()


def _translated(template: Catalog) -> Catalog:
    catalog = Catalog(locale=LOCALE)
    for message in template:
        if message.id:
            texts = tuple(map(bracketed, message.id)) if message.pluralizable else bracketed(str(message.id))
            catalog.add(message.id, texts)
    return catalog


def bracketed(text: str) -> str:
    return f"⟦{text}⟧"


class Untranslated(HTMLParser):
    """Collect in `left` the text and labels of a page outside brackets."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.left: list[str] = []
        self._depth = 0
        self._unread = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in UNREAD
        attributes = {name: value or "" for name, value in attrs}
        labels = [value for name, value in attributes.items() if name in READ_ALOUD]
        if tag == "input" and attributes.get("type") in BUTTONS:
            labels.append(attributes.get("value", ""))
        if tag == "meta" and attributes.get("name") == "description":
            labels.append(attributes.get("content", ""))
        for text in labels:
            self._take(text, 0)

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        """A translation may contain elements: all text between its brackets is translated, at any depth."""
        if not self._unread:
            self._depth = self._take(data, self._depth)

    def _take(self, text: str, depth: int) -> int:
        piece = ""
        for character in text:
            if depth == 0 and character != "⟦":
                piece += character
            depth += (character == "⟦") - (character == "⟧")
        self.left.append(" ".join(piece.split()))
        return depth


def untranslated(html: str, data: list[str]) -> list[str]:
    """List the texts of a page that are neither translated nor `data`; longer data are matched first."""
    longest_first = map(re.escape, sorted(data, key=len, reverse=True))
    known = re.compile(rf"https?://\S+|(?<!\w)({'|'.join(longest_first)})(?!\w)")
    return [piece for piece in Untranslated(html).left if LATIN_CHARACTER.search(known.sub("", piece))]
