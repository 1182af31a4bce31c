"""Normal forms of typed text, in Python and in PostgreSQL."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.card_numbers import contains_card_number
from app.core.typed_text import normal_form, normal_line, plain_line, search_form, without_separators

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cn", "Co"], exclude_characters="\x00"), max_size=40)
NAMES = ["José Añez", "Söderström", "D’Souza", "O‘Neil", "Straße", "Ærø Łódź", "மீனாட்சி", "श्री क़ुरैशी", "İbrahim", "Ōsaka"]


@given(TEXTS)
@settings(max_examples=300)
def test_each_normal_form_stays_when_it_is_made_again(typed: str) -> None:
    for form in (plain_line, without_separators, normal_form, normal_line, search_form):
        assert form(form(typed)) == form(typed)


@given(TEXTS)
def test_composed_and_decomposed_text_have_the_same_forms(typed: str) -> None:
    composed, decomposed = unicodedata.normalize("NFC", typed), unicodedata.normalize("NFD", typed)
    assert normal_form(composed) == normal_form(decomposed)
    assert search_form(composed) == search_form(decomposed)


@pytest.mark.parametrize(
    ("written", "searched"),
    [("José Añez", "Jose Anez"), ("Söderström", "Soderstrom"), ("D’Souza", "D'Souza"), ("Straße", "Strasse")],
)
def test_accents_and_kinds_of_quotes_do_not_matter_to_a_search(written: str, searched: str) -> None:
    assert search_form(written) == search_form(searched) == searched


def test_signs_of_indian_scripts_are_no_accents() -> None:
    assert search_form("मीना") != search_form("मन")
    assert search_form("மீனா") == unicodedata.normalize("NFKD", "மீனா")


async def test_the_database_makes_the_same_search_form(db: AsyncSession) -> None:
    assigned = (chr(code) for code in range(0x20, 0x2FFF) if unicodedata.category(chr(code))[0] not in "C")
    block = "".join(char for char in assigned if unicodedata.normalize("NFKD", char))
    for typed in [*NAMES, *(block[start : start + 200] for start in range(0, len(block), 200))]:
        assert await db.scalar(sql("SELECT search_form(:typed)"), {"typed": typed}) == search_form(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "４２４２ ４２４２ ４２４２ ４２４２",
        "4242\u00a04242\u00a04242\u00a04242",
        "4242\u20114242–4242—4242",
        "४२४२४२४२४२४२४२४२",
    ],
)
def test_a_card_number_is_known_however_it_is_written(typed: str) -> None:
    assert contains_card_number(f"My card is {typed}, thanks")
