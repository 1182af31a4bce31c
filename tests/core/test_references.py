"""Row ids as they arrive in URLs and form fields."""

import pytest

from app.core.references import RowIds, parse_row_id


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
