"""The pretend bank: validation, answers, and that card data goes nowhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.errors import Invalid
from app.payments import pretend_bank
from tests.typed import pasted

GOOD = {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08 / 29", "cvv": "123"}


@pytest.fixture(autouse=True)
def november():
    with clock.freeze(datetime(2026, 11, 22, 6, 30, tzinfo=UTC)):
        yield


def errors_of(**typed: str) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        pretend_bank.read_instrument(GOOD | typed)
    return refusal.value.errors


@pytest.mark.parametrize(
    ("number", "brand", "last4"),
    [
        ("4242 4242 4242 4242", "Visa", "4242"),
        ("4242-4242-4242-4242", "Visa", "4242"),
        ("४२४२४२४२४२४२४२४२", "Visa", "4242"),
        ("5555555555554444", "Mastercard", "4444"),
        ("2223003122003222", "Mastercard", "3222"),
        ("6074820000000009", "RuPay", "0009"),
        ("6011111111111117", "Discover", "1117"),
        ("30569309025904", "Diners Club", "5904"),
        ("3530111333300000", "JCB", "0000"),
    ],
)
def test_a_card_is_known_by_brand_and_last_four_digits_alone(number, brand, last4):
    card = pretend_bank.read_instrument(GOOD | {"card_number": number})
    assert (card.brand, card.last4) == (brand, last4)
    assert "".join(filter(str.isdigit, number))[:10] not in repr(card)


def test_an_american_express_card_has_four_digits_in_its_cvv():
    amex = GOOD | {"card_number": "378282246310005"}
    assert pretend_bank.read_instrument(amex | {"cvv": "1234"}).brand == "American Express"
    with pytest.raises(Invalid) as refusal:
        pretend_bank.read_instrument(amex)
    assert refusal.value.errors == {"cvv": "Enter the 4 digits on the front of the card."}


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("", "Enter your card number."),
        ("4242 4242 4242 424", "This number has 15 digits. Your card number has 16. Check for a missing digit."),
        ("4242 4242 4242 42424", "This number has 17 digits. Your card number has 16."),
        ("4242 4242 4242 4241", "A digit in this number is wrong. Compare it with your card."),
        ("4242 4242 x242 4242", "Use digits only."),
        ("4242\x004242 4242 4242", "Use digits only."),
        ("9" * 1_000_000, "This number has 60 digits. Your card number has 16."),
    ],
)
def test_a_wrong_card_number_is_explained(typed, text):
    assert errors_of(card_number=typed) == {"card_number": text}


@pytest.mark.parametrize("typed", ["11/26", "11 / 26", "1126", "11/2026", "1/27", "01-27"])
def test_a_card_is_good_until_its_month_ends(typed):
    assert pretend_bank.read_instrument(GOOD | {"expiry": typed}).last4 == "4242"


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "08/30",
            "8/30",
            "0830",
            "08 / 30",
            "082030",
            "08-2030",
            "08 2030",
            "08.30",
            "08/2030",
            "08 / 2030",
            "8-2030",
        ),
        *("8-2030", "2030-08", "2030/8", "2030 08", "203008", "08\u201330", "०८/३०", "௦௮௩௦", " 08/30 "),
    ],
)
def test_a_month_and_year_are_read_in_every_usual_form(typed):
    assert pretend_bank.read_expiry(typed) == (2030, 8)
    assert pretend_bank.read_instrument(GOOD | {"expiry": typed}).last4 == "4242"


@pytest.mark.parametrize(
    "typed", ["10/26", "08/19", "13/29", "00/29", "", "banana", "08/99", "8/2", "830", "20/30", "08/30/30", "2030"]
)
def test_a_card_that_is_over_or_never_was_is_refused(typed):
    assert list(errors_of(expiry=typed)) == ["expiry"]


@pytest.mark.parametrize("typed", ["", "12", "12345", "abc", "1234"])
def test_a_wrong_cvv_is_refused(typed):
    assert errors_of(cvv=typed) == {"cvv": "Enter the 3 digits on the back of the card."}


def test_every_invalid_field_is_reported_and_nothing_typed_is_repeated():
    with pytest.raises(Invalid) as refusal:
        pretend_bank.read_instrument(
            {"method": "card", "card_number": "4242424242424241", "expiry": "1/11", "cvv": "98x"}
        )
    assert set(refusal.value.errors) == {"card_number", "expiry", "cvv"}
    text = repr(refusal.value.errors) + repr(refusal.value.values) + str(refusal.value)
    assert "42424242" not in text
    assert "98x" not in text


@pytest.mark.parametrize(
    "typed", ["", "success", "success@", "@doorstep", "a b@bank", "x@y", "a@b@c", "ravi@oksbi\n<b>"]
)
def test_a_wrong_upi_id_is_reported(typed):
    with pytest.raises(Invalid) as refusal:
        pretend_bank.read_instrument({"method": "upi", "upi_id": typed})
    assert list(refusal.value.errors) == ["upi_id"]


def test_a_way_to_pay_must_be_chosen():
    for method in ("", "cash", "card\x00"):
        with pytest.raises(Invalid) as refusal:
            pretend_bank.read_instrument({"method": method})
        assert refusal.value.errors == {"method": "Choose a payment method."}


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("4242 4242 4242 4242", "authorised"),
        ("4000 0000 0000 0002", "declined"),
        ("4000 0025 0000 3155", "needs_code"),
        ("4000 0000 0000 0341", "timed_out"),
    ],
)
def test_the_four_test_cards_do_as_they_are_known_to(number, message):
    assert pretend_bank.authorise(pretend_bank.read_instrument(GOOD | {"card_number": number}), 149_00).state == message


@pytest.mark.parametrize(
    ("upi_id", "message"),
    [
        ("success@doorstep", "authorised"),
        ("Success@Doorstep ", "authorised"),
        ("decline@doorstep", "declined"),
        ("timeout@doorstep", "timed_out"),
    ],
)
def test_the_three_test_upi_ids_do_as_they_are_known_to(upi_id, message):
    upi = pretend_bank.read_instrument({"method": "upi", "upi_id": upi_id})
    assert pretend_bank.authorise(upi, 149_00).state == message
    assert upi_id.strip().lower() not in repr(upi)


def test_a_card_that_asks_for_a_code_takes_the_right_one_only():
    card = pretend_bank.read_instrument(GOOD | {"card_number": "4000002500003155"})
    messages = [pretend_bank.authorise(card, 1, code).state for code in ("", "000000", "12345", "123456", " 123 456 ")]
    assert messages == ["needs_code", "wrong_code", "wrong_code", "authorised", "authorised"]


@given(st.integers(0, 10**15 - 1))
def test_luhn_takes_exactly_one_check_digit(body):
    right = [digit for digit in range(10) if pretend_bank.luhn(f"{body}{digit}")]
    assert len(right) == 1


TYPED = st.fixed_dictionaries({}, optional={name: st.text(max_size=30) for name in ("method", *GOOD, "upi_id", "code")})


def error_fields(fields: dict[str, str]) -> set[str]:
    try:
        pretend_bank.read_instrument(fields)
    except Invalid as refusal:
        return set(refusal.errors)
    return set()


@given(TYPED)
def test_whatever_is_typed_is_taken_or_refused_field_by_field(fields):
    assert error_fields(fields) <= {"method", "card_number", "expiry", "cvv", "upi_id"}


EXPIRY_FORMS = [
    "{m:02}/{y:02}",
    "{m:02}{y:02}",
    "{m:02}20{y:02}",
    "{m:02}-20{y:02}",
    "{m:02} 20{y:02}",
    "{m:02}.{y:02}",
    "20{y:02}-{m:02}",
]


@given(
    st.tuples(st.integers(1, 12), st.integers(0, 99), st.sampled_from(EXPIRY_FORMS)).flatmap(
        lambda typed: st.tuples(
            st.just((2000 + typed[1], typed[0])),
            pasted(st.just(typed[2].format(m=typed[0], y=typed[1])), groups=False),
        )
    )
)
def test_an_expiry_date_is_the_same_in_digits_of_each_script(example):
    month, (_plain, written) = example
    assert pretend_bank.read_expiry(written) == month
    year, number = month
    assert pretend_bank.read_expiry(f"{number:02}/{year % 100:02}") == month
