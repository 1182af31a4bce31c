"""Numbers of rows, as they come in addresses and fields."""

import pytest

from app.core.references import RowNumbers, row_number


@pytest.mark.parametrize("number", [1, 242, 2**63 - 1])
def test_what_can_be_a_row_is_one(number):
    assert number in RowNumbers()
    assert row_number(str(number)) == number


@pytest.mark.parametrize("number", [0, -1, 2**63, 2**70, None, "1", 1.5, float("nan")])
def test_anything_else_is_none_and_is_told_at_once(number):
    """A bare range would be walked through for whatever is no whole number: until the end of time."""
    assert number not in RowNumbers()


@pytest.mark.parametrize("typed", ["", "0", "-1", "abc", "1.5", "٣", "9" * 19, "9" * 400, "1 ", "None"])
def test_what_is_typed_and_cannot_be_a_row_is_nothing(typed):
    assert row_number(typed) is None
