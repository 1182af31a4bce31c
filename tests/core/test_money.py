"""Parsing of typed prices: exact to the paisa, or a clear error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.money import format_for_input, format_rupees, parse_rupees
from tests.typed import pasted

MINIMUM, MAXIMUM = 1_00, 10_00_000_00


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("149", 149_00),
        (" 149 ", 149_00),
        ("₹149", 149_00),
        ("₹ 1,49,900.50", 1_49_900_50),
        ("149900.5", 1_49_900_50),
        ("１４９", 149_00),
        ("௧௪௯.५०", 149_50),
        ("Rs. 1,490/-", 1_490_00),
        ("Rs 149", 149_00),
        ("INR 149", 149_00),
        ("₹\u00a0149/-", 149_00),
        ("\u200b149\u200f", 149_00),
        ("99.99", 99_99),
        ("99.990", 99_99),
        ("1", 1_00),
        ("1.", 1_00),
        ("0149", 149_00),
        ("1000000", 10_00_000_00),
        ("10,00,000.00", 10_00_000_00),
        ("1.10", 1_10),
        ("19.29", 19_29),
    ],
)
def test_a_price_is_kept_to_the_paisa(text, expected):
    assert parse_rupees(text, MINIMUM, MAXIMUM) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "NaN", "nan", "inf", "-inf", "Infinity", "−1", "-1", "+5", "1e9", "1E2", "0x10", "1_000", "free"]
    + ["1 490", "1.2.3", ".", ",", ",149", "Rsx 149", "$5", "\u202e941", "½", "²", "149/", "/-"]
    + ["₹₹5", "149₹", "9" * 5_000, "0." + "9" * 5_000, "1" * 17],
)
def test_what_is_no_figure_is_refused_in_words(text):
    with pytest.raises(Invalid) as refused:
        parse_rupees(text, MINIMUM, MAXIMUM)
    assert "such as 149 or 1,49,900.50" in refused.value.errors["price"]


@pytest.mark.parametrize("text", ["0", "0.00", "0.99", "0.001", "1000000.01", "1,00,00,000", "999999999999999", ".5"])
def test_a_price_out_of_bounds_names_the_bounds(text):
    with pytest.raises(Invalid) as refused:
        parse_rupees(text, MINIMUM, MAXIMUM)
    assert refused.value.errors == {"price": "Enter an amount from ₹1 to ₹10,00,000."}


@pytest.mark.parametrize("text", ["149.999", "1.001", "2.0000000001"])
def test_less_than_a_paisa_is_refused_not_rounded(text):
    with pytest.raises(Invalid) as refused:
        parse_rupees(text, MINIMUM, MAXIMUM)
    assert "Use at most 2 digits" in refused.value.errors["price"]


@pytest.mark.parametrize(("text", "expected"), [("149,900", "1,49,900"), ("1,23", "123"), ("1,4,9", "149")])
def test_commas_in_odd_places_are_confirmed_not_guessed(text, expected):
    with pytest.raises(Invalid) as refused:
        parse_rupees(text, MINIMUM, MAXIMUM)
    assert f"Do you mean {expected}?" in refused.value.errors["price"]


@pytest.mark.parametrize("paise", [1_00, 99_99, 149_00, 149_50, 1_05, 10_00_000_00])
def test_what_stands_in_the_field_is_read_back_as_the_same(paise):
    assert parse_rupees(format_for_input(paise), MINIMUM, MAXIMUM) == paise
    assert parse_rupees(format_rupees(paise), MINIMUM, MAXIMUM) == paise


@given(
    st.integers(MINIMUM, MAXIMUM).flatmap(lambda paise: pasted(st.just(format_for_input(paise)), groups=False)),
    st.sampled_from(["{}", "₹{}", "₹\u00a0{}", "Rs. {}", "rs {}/-", "INR {}"]),
)
def test_an_amount_is_the_same_however_it_is_written(amount: tuple[str, str], form: str) -> None:
    plain, written = amount
    paise = parse_rupees(form.format(written.strip()), MINIMUM, MAXIMUM)
    assert format_for_input(paise) == plain
    assert parse_rupees(format_rupees(paise), MINIMUM, MAXIMUM) == paise
