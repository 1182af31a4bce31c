"""Properties of the readers of bank details, GSTINs and coupon codes: stable, and one place takes what others take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.gstin import CHECK_DIGITS, check_digit, parse_gstin
from app.billing.bank_accounts import TypedAccount, _read
from app.core.errors import Invalid
from app.payments.pretend_bank import read_instrument
from app.promotions.discounts import parse_code
from tests.typed import digits, pasted

UPI_IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{1,60}@[a-z][a-z0-9]{1,30}", fullmatch=True)
AROUND = st.sampled_from(["", " ", "\n", "\u200b", "\u00a0", "\t"])


def stored_account(**typed: str) -> dict[str, str]:
    return _read(TypedAccount(holder="Devi Nair", **typed))


@given(UPI_IDS, AROUND, AROUND, st.booleans())
def test_a_upi_id_is_read_alike_where_one_pays_and_where_one_is_paid(
    upi_id: str, before: str, after: str, is_upper: bool
) -> None:
    typed = before + (upi_id.upper() if is_upper else upi_id) + after
    assert stored_account(upi_id=typed)["number"] == upi_id
    assert stored_account(upi_id=upi_id)["number"] == upi_id
    assert read_instrument({"method": "upi", "upi_id": typed}).method == "upi"


@given(st.text(max_size=150))
def test_what_is_no_upi_id_for_one_is_none_for_the_other(typed: str) -> None:
    outcomes = []
    for read in (
        lambda: stored_account(upi_id=typed or "@"),
        lambda: read_instrument({"method": "upi", "upi_id": typed or "@"}),
    ):
        try:
            read()
            outcomes.append("taken")
        except Invalid as error:
            outcomes.append("refused" if error.errors else "")
    assert len({*outcomes}) == 1 or not typed.strip()


@given(pasted(digits(14, "1")))
def test_an_account_number_is_the_same_however_it_is_grouped(number: tuple[str, str]) -> None:
    plain, written = number
    assert stored_account(number=written, ifsc="sbin 0000300")["number"] == plain
    assert stored_account(number=plain, ifsc="SBIN-0000300") == stored_account(number=plain, ifsc="ＳＢＩＮ0000300")


@given(st.text(CHECK_DIGITS[10:], min_size=5, max_size=5), digits(4, "1"), AROUND)
def test_a_gstin_is_stable_when_read_again(name: str, numbers: str, around: str) -> None:
    start = f"33{name}{numbers}K1Z"
    gstin = start + check_digit(start)
    assert parse_gstin(around + gstin.lower() + around) == parse_gstin(parse_gstin(gstin)) == gstin


@given(st.text(max_size=80))
def test_a_coupon_code_is_stable_when_read_again(typed: str) -> None:
    assert parse_code(parse_code(typed)) == parse_code(typed)


@pytest.mark.parametrize("typed", ["welcome50", " WELCOME-50 ", "Welcome 50", "ＷＥＬＣＯＭＥ５０", "WELCOME\u201150"])
def test_a_coupon_is_the_same_however_it_is_written(typed: str) -> None:
    assert parse_code(typed) == "WELCOME50"
