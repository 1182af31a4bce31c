"""Every word that people read can be translated: what translators are extracted is what the code says today."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
POT = ROOT / "translations" / "messages.pot"
PLACEHOLDER = re.compile(r"%\((\w+)\)")
EXTRACT = "pybabel extract -F babel.cfg --no-location --sort-output --omit-header -o translations/messages.pot ."


def messages_in_code() -> set[object]:
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(ROOT, methods, options, DEFAULT_KEYWORDS)
    return {message for _file, _line, message, _comments, _context in found}


def handed_to_translators() -> set[object]:
    with POT.open("rb") as file:
        return {message.id for message in read_po(file) if message.id}


def test_what_translators_are_handed_is_what_the_code_says() -> None:
    in_code, extracted = messages_in_code(), handed_to_translators()
    assert in_code - extracted == set(), f"not in messages.pot yet; write it anew: {EXTRACT}"
    assert extracted - in_code == set(), f"not in the code any more; write it anew: {EXTRACT}"
    assert len(in_code) > 500


def test_it_names_no_person_day_or_path() -> None:
    """The file changes when words change, and never else."""
    lines = POT.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith(("#:", "# ", '"POT-Creation', '"Last-Translator'))]


def problems(translated: Catalog) -> list[str]:
    """Every translation that cannot be filled in with what the words it translates are filled in with."""
    return [
        text
        for message in translated
        for text in map(str, message.string if isinstance(message.string, tuple | list) else (message.string,))
        if message.id and fills(str(message.id), str(message.id)) and not fills(text, str(message.id))
    ]


def fills(text: str, original: str) -> bool:
    try:
        return bool(text % dict.fromkeys(PLACEHOLDER.findall(original), "…")) or not text
    except (KeyError, TypeError, ValueError):
        return False


def test_a_translation_keeps_what_is_filled_in() -> None:
    for po in POT.parent.glob("*/LC_MESSAGES/messages.po"):
        with po.open("rb") as file:
            assert problems(read_po(file)) == [], po.parts[-3]


@pytest.mark.parametrize(
    ("text", "right"),
    [("%(n)s நிமிடம்", True), ("", True), ("%(m)s நிமிடம்", False), ("%(n) நிமிடம்", False), ("%(n)s %", False)],
)
def test_a_translation_that_spoils_what_is_filled_in_is_found(text: str, right: bool) -> None:
    translated = Catalog(locale="ta_IN")
    translated.add("%(n)s min", text)
    assert (problems(translated) == []) is right
