"""How a price that includes tax is shared: to the paisa, in both forms, in parts as in whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.payments.booking_money import BookingMoney
from app.payments.pretend_bank import Authorisation, Instrument
from app.payments.tax import included_tax, share_fee, share_job, tax_rule

UNREGISTERED = tax_rule("9(5)", 18_00, "998719", commission_rate=18_00)
REGISTERED = tax_rule("9(5)", 18_00, "998719", commission_rate=18_00, is_registered=True)
OTHER_UNREGISTERED = tax_rule("52", 18_00, "998719", commission_rate=18_00)
RULES = (None, UNREGISTERED, REGISTERED, OTHER_UNREGISTERED)


def parts_of(shares) -> int:
    return shares.earning + shares.commission + shares.tax + shares.commission_tax + shares.collected + shares.withheld


@given(st.integers(1, 1_00_00_000_00), st.sampled_from(RULES))
def test_the_shares_add_up_and_the_tax_has_equal_halves(total, rule) -> None:
    shares = share_job(total, rule)
    assert parts_of(shares) == total
    assert shares.tax % 2 == shares.commission_tax % 2 == 0
    for to_professional in (True, False):
        assert parts_of(share_fee(total, rule, to_professional=to_professional)) == total


def test_the_forms_of_118_rupees() -> None:
    assert included_tax(118_00, 18_00) == 18_00
    doorstep, professional = share_job(118_00, UNREGISTERED), share_job(118_00, REGISTERED)
    assert (doorstep.tax, doorstep.commission, doorstep.commission_tax) == (18_00, 15_00, 2_70)
    assert doorstep.earning == 82_30
    # The professional owes the 18 rupees; 50 paise are collected and 10 withheld.
    assert (professional.tax, professional.collected, professional.withheld) == (0, 50, 10)
    assert professional.earning == 99_70


def test_who_is_not_registered_charges_no_tax_outside_of_section_9_5() -> None:
    shares = share_job(118_00, OTHER_UNREGISTERED)
    assert (shares.tax, shares.collected, shares.withheld) == (0, 0, 12)


@given(st.integers(100, 1_00_000_00), st.integers(100, 1_00_000_00), st.sampled_from(RULES))
def test_a_job_that_is_paid_in_parts_is_shared_as_a_whole(first, second, rule) -> None:
    money = BookingMoney(1, 2, tax=rule)
    money.authorise(first, "booking", Authorisation("authorised", Instrument("card", "Visa", "4242")))
    money.capture(3, first + second, held_payout=False)
    sums: dict = {}
    for transaction in money.transactions:
        assert sum(entry.amount for entry in transaction.entries) == 0
        for entry in transaction.entries:
            key = (entry.account, entry.person_id)
            sums[key] = sums.get(key, 0) - entry.amount
    whole = share_job(first + second, rule)
    assert sums.get(("earnings", 3), 0) == whole.earning
    assert sums[("commission", None)] == whole.commission
    assert sums.get(("tax", None), 0) == whole.tax
    assert sums.get(("tax", 3), 0) == whole.commission_tax


@pytest.mark.parametrize("amount", [1, 99, 100_00])
def test_without_a_rule_nothing_is_taxed(amount) -> None:
    assert share_job(amount, None).tax == share_fee(amount, None, to_professional=True).tax == 0
