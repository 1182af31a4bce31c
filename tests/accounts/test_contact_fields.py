"""Contact fields are normalized, or refused with a message."""

import pytest

from app.accounts.contact_fields import (
    clean_text,
    parse_address_line,
    parse_email,
    parse_name,
    parse_phone,
    parse_pincode,
    parse_pincodes,
)
from app.accounts.password import validate_password
from app.core.errors import Invalid
from app.core.validation import FieldError, collect


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("98400 12345", "+919840012345"),
        ("+91-98400-12345", "+919840012345"),
        ("098400 12345", "+919840012345"),
        ("044 2491 1234", "+914424911234"),
    ],
)
def test_a_number_in_india_is_kept_one_way(typed, stored):
    assert parse_phone(typed, "asha@gmail.com") == stored


@pytest.mark.parametrize("typed", ["", "banana", "+1 212 555 0100", "98400 1234", "+91 00000 00412", "9" * 1_000_000])
def test_what_is_no_number_in_india_is_refused(typed):
    with pytest.raises(FieldError):
        parse_phone(typed, "asha@gmail.com")


def test_the_demo_towns_numbers_are_only_for_its_own_addresses():
    assert parse_phone("+91 00000 00412", "asha@example.com") == "+910000000412"
    with pytest.raises(FieldError):
        parse_phone("+91 00000 00412", "asha@example.com.evil.in")
    with pytest.raises(FieldError, match="has 9"):
        parse_phone("+91 00000 0412", "asha@example.com")


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("meenakshi.sundaram@example", "Add the ending"),
        ("meenakshi", "with the @"),
        ("a@b..com", "isn't a valid email address"),
        ("a@x.com\nBcc: all@x.com", "isn't a valid email address"),
        ("a" * 300 + "@x.com", "characters or fewer"),
        ("", "Enter your email"),
    ],
)
def test_a_wrong_address_is_explained(typed, text):
    with pytest.raises(FieldError, match=text):
        parse_email(typed)


@pytest.mark.parametrize("typed", ["  Asha   Raman ", "மீனாட்சி", "O'Neil-D'Souza", "X Æ A-12"])
def test_a_name_is_what_its_owner_says(typed):
    assert parse_name(typed) == " ".join(typed.split())


@pytest.mark.parametrize("typed", ["", "   ", "12345", "a\u202eb", "a\x00b", "see https://evil.example", "x" * 121])
def test_a_name_is_made_of_characters(typed):
    with pytest.raises(FieldError):
        parse_name(typed)


def test_an_address_becomes_one_line():
    assert parse_address_line("Flat 3B,\n  Kasturba Nagar \n") == "Flat 3B, Kasturba Nagar"
    for typed in ("", "?!?!?!", "x" * 301, "x" * 1_000_000):
        with pytest.raises(FieldError):
            parse_address_line(typed)


@pytest.mark.parametrize("typed", ["600 020", "६०००२०", " 600020 ", "600-020", "६००–०२०"])
def test_a_pincode_in_any_figures(typed):
    assert parse_pincode(typed) == "600020"


@pytest.mark.parametrize("typed", ["abcdefgh", "000000", "60002", "6000201", "", "²²²²²²"])
def test_what_is_no_pincode(typed):
    with pytest.raises(FieldError):
        parse_pincode(typed)


def test_tabs_between_words_become_spaces_and_invisible_characters_go():
    assert clean_text("Did not pay:\t₹500\ttwice\r\nSee\x0bus.\u200b\u202e ") == "Did not pay: ₹500 twice\nSee us."


def test_a_list_of_pincodes_is_read_as_each_of_them():
    assert parse_pincodes("600 020, 600-028\n६०००४१;600042 600 090") == [
        *("600020", "600028", "600041", "600042", "600090")
    ]
    assert parse_pincodes(" ,\n") == []
    for typed in ("600 02", "6000200", "600 0200", "600020 60", "abc 020", "000 000"):
        with pytest.raises(FieldError, match="isn't a pincode"):
            parse_pincodes(typed)


@pytest.mark.parametrize("typed", ["we like our tap dry", "пароль-для-двери"])
def test_a_good_password(typed):
    assert validate_password(typed) == typed


@pytest.mark.parametrize(
    "typed", ["", "short", "Password123", "1234567890", "aaaaaaaaaaaa", "x" * 201, "asha@example.com", "Asha Raman"]
)
def test_a_password_that_is_tried_first(typed):
    with pytest.raises(FieldError):
        validate_password(typed, "asha@example.com", "asha raman")


def test_all_errors_are_reported_at_once():
    with pytest.raises(Invalid) as error:
        collect(
            {
                "email": lambda: parse_email("x"),
                "name": lambda: parse_name("Asha"),
                "pincode": lambda: parse_pincode("y"),
            }
        )
    assert list(error.value.errors) == ["email", "pincode"]
