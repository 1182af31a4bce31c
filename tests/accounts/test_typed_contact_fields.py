"""Properties of the readers of contact fields: the same value however it is written, and stable when read again."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.contact_fields import (
    parse_address_line,
    parse_email,
    parse_name,
    parse_phone,
    parse_pincode,
    parse_pincodes,
    phone_fragment,
    typed_pincode,
)
from app.core.validation import FieldError
from tests.typed import digits, pasted

EMAIL = "asha@gmail.com"
MOBILES = digits(10, "9").filter(lambda number: number[1] != "0")  # +91 9 and a digit that is assigned
PREFIXES = ["", "0", "91", "+91", "+91 ", "+91-", "0091 ", "(+91) ", "+91 (0) ", "tel:+91"]
WORDS = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Mn", "Mc"], exclude_characters="\u0345"), min_size=1)


def _valid(number: str) -> bool:
    try:
        return bool(parse_phone(number, EMAIL))
    except FieldError:
        return False


@given(pasted(MOBILES.filter(_valid)), st.sampled_from(PREFIXES))
def test_a_phone_is_the_same_with_each_prefix_and_however_it_is_grouped(number: tuple[str, str], prefix: str) -> None:
    plain, written = number
    stored = parse_phone(prefix + written.strip(), EMAIL)
    assert stored == f"+91{plain}"
    assert parse_phone(stored, EMAIL) == stored
    assert phone_fragment(prefix + written.strip()) == plain


@pytest.mark.parametrize(
    "written",
    [
        *("+91 98401 54321", "98401 54321", "09840154321", "098401-54321", "+91-98401-54321", "0091 98401 54321"),
        *(
            "９８４０１５４３２１",
            "+९१ ९८४०१ ५४३२१",
            "\u202a+91 98401 54321\u202c",
            "98401\u200b54321",
            "(+91) 98401.54321",
        ),
        *("91 98401 54321", "(+91) 98401.54321", "tel:+919840154321", "+91\u00a098401\u201154321"),
    ],
)
def test_a_phone_as_people_write_it(written: str) -> None:
    assert parse_phone(written, EMAIL) == "+919840154321"
    assert phone_fragment(written) == "9840154321"


@pytest.mark.parametrize(("typed", "part"), [("98401", "98401"), ("+91 984", "984"), ("0154", "0154")])
def test_a_part_of_a_phone_is_searched_for_by_its_digits(typed: str, part: str) -> None:
    assert phone_fragment(typed) == part


@pytest.mark.parametrize("typed", ["Asha", "98", "+91", "B 98401 54321", "asha98401@x.in", "", "-", "+"])
def test_other_text_is_no_part_of_a_phone(typed: str) -> None:
    assert phone_fragment(typed) is None


@given(pasted(digits(6)))
def test_a_pincode_is_the_same_in_each_field(number: tuple[str, str]) -> None:
    plain, written = number
    assert parse_pincode(written) == typed_pincode(written) == plain
    assert parse_pincode(parse_pincode(written)) == plain


@given(st.lists(pasted(digits(6), groups=False), min_size=1, max_size=5), st.sampled_from([",", "; ", "\n", " , "]))
def test_a_list_of_pincodes_reads_each_of_them(numbers: list[tuple[str, str]], separator: str) -> None:
    assert parse_pincodes(separator.join(written for _plain, written in numbers)) == [plain for plain, _ in numbers]


@given(st.lists(WORDS, min_size=1, max_size=4).map(" ".join))
def test_a_name_is_stored_in_one_form_and_stays_when_read_again(name: str) -> None:
    with suppress(FieldError):
        stored = parse_name(name)
        assert stored == unicodedata.normalize("NFC", stored)
        assert parse_name(stored) == stored
        assert parse_name(f"\u200b {unicodedata.normalize('NFD', stored)}\u00a0") == stored


@given(st.emails(domains=st.sampled_from(["gmail.com", "Doorstep.IN"])))
def test_an_email_is_the_same_with_what_is_pasted_around_it(address: str) -> None:
    with suppress(FieldError):
        stored = parse_email(address)
        for written in (stored, f" {address}\u200b", f"mailto:{address}", f"<{address}>", address.replace("@", "＠")):
            assert parse_email(written) == stored


@given(st.text(max_size=60))
def test_an_address_line_stays_when_read_again(typed: str) -> None:
    with suppress(FieldError):
        line = parse_address_line(typed)
        assert parse_address_line(line) == line
