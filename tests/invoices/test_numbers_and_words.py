"""GSTINs, amounts in words, financial years and series."""

from datetime import date

import pytest

from app.accounts.gstin import check_digit, parse_gstin, state_of
from app.core.validation import FieldError
from app.invoices.invoice import InvoiceKind, financial_year, professional_series
from app.invoices.words import amount_in_words

PUBLISHED = ("27AAPFU0939F1ZV", "29AAGCB7383J1Z4")


@pytest.mark.parametrize("gstin", PUBLISHED)
def test_a_published_gstin_is_right_and_names_its_state(gstin) -> None:
    assert parse_gstin(f" {gstin[:5]}-{gstin[5:].lower()} ") == gstin
    assert state_of(gstin) in ("Maharashtra", "Karnataka")


@pytest.mark.parametrize("place", range(15))
def test_every_changed_character_is_noticed(place) -> None:
    gstin = PUBLISHED[0]
    other = str((int(gstin[place]) + 1) % 10) if gstin[place].isdigit() else "B"
    with pytest.raises(FieldError):
        parse_gstin(gstin[:place] + other + gstin[place + 1 :])


@pytest.mark.parametrize("typed", ["27AAPFU0939F1Z", "99AAPFU0939F1ZV", "27AAPFU0939F1ZVX", "GST", "27ААPFU0939F1ZV"])
def test_what_is_no_gstin_is_refused(typed) -> None:
    with pytest.raises(FieldError):
        parse_gstin(typed)


def test_none_is_none_and_the_example_is_right() -> None:
    assert parse_gstin("  ") == ""
    assert check_digit("33AAAAA0000A1Z") == "9"


@pytest.mark.parametrize(
    ("paise", "words"),
    [
        (1, "Zero rupees and one paisa only"),
        (100, "One rupee only"),
        (149_00, "One hundred forty-nine rupees only"),
        (1_23_456_50, "One lakh twenty-three thousand four hundred fifty-six rupees and fifty paise only"),
        (1_00_00_000_00, "One crore rupees only"),
        (
            12_34_56_789_09,
            "Twelve crore thirty-four lakh fifty-six thousand seven hundred eighty-nine rupees and nine paise only",
        ),
    ],
)
def test_amounts_are_written_with_lakh_and_crore(paise, words) -> None:
    assert amount_in_words(paise) == words


@pytest.mark.parametrize(
    ("day", "year"), [(date(2026, 3, 31), "2526"), (date(2026, 4, 1), "2627"), (date(2099, 12, 31), "9900")]
)
def test_the_financial_year_begins_in_april(day, year) -> None:
    assert financial_year(day) == year


def test_a_number_of_a_professional_fits_into_16_characters() -> None:
    series = professional_series(60_000_000, InvoiceKind.INVOICE)
    assert len(f"{series}/2627/9999") <= 16
    assert series != professional_series(60_000_001, InvoiceKind.INVOICE)
    assert professional_series(71, InvoiceKind.CREDIT_NOTE) == "C1Z"
