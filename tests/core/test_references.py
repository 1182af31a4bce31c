"""Row ids as they arrive in URLs and form fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.references import ALPHABET, RowIds, parse_reference, parse_row_id, reference_prefix
from tests.typed import pasted


@pytest.mark.parametrize("number", [1, 242, 2**63 - 1])
def test_what_can_be_a_row_is_one(number):
    assert number in RowIds()
    assert parse_row_id(str(number)) == number


@pytest.mark.parametrize("number", [0, -1, 2**63, 2**70, None, "1", 1.5, float("nan")])
def test_anything_else_is_none_and_is_rejected_at_once(number):
    """A plain range would be iterated for anything that is not an int."""
    assert number not in RowIds()


@pytest.mark.parametrize("text", ["", "0", "-1", "abc", "1.5", "٣", "9" * 19, "9" * 400, "1 ", "None"])
def test_what_is_typed_and_cannot_be_a_row_is_nothing(text):
    assert parse_row_id(text) is None


@given(pasted(st.text(ALPHABET, min_size=8, max_size=8)), st.booleans(), st.booleans())
def test_a_reference_is_the_same_however_it_is_dictated_and_written(reference, is_lower, is_spelled_with_o):
    plain, written = reference
    written = written.translate({ord("0"): "O", ord("1"): "I"}) if is_spelled_with_o else written
    written = written.lower() if is_lower else written
    assert parse_reference(written) == parse_reference(f"# {written}") == plain
    assert parse_reference(plain) == plain
    assert reference_prefix(written) == plain


@pytest.mark.parametrize(
    ("typed", "prefix"),
    [
        ("7k3", "7K3"),
        ("7K3M Q9", "7K3MQ9"),
        ("7KO", "7K0"),
        ("ravi", "RAVI"),
        ("Asha Raman K", None),
        ("ரவி", None),
        ("", None),
    ],
)
def test_the_beginning_of_a_reference_is_searched_for(typed, prefix):
    assert reference_prefix(typed) == prefix
