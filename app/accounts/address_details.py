"""What is known of an address beside its line, and of the person at the door: read from what people typed."""

from collections.abc import Callable
from dataclasses import dataclass

from app.accounts.contact_fields import (
    MAX_FLOOR_LENGTH,
    MAX_LABEL_LENGTH,
    MAX_LANDMARK_LENGTH,
    parse_detail,
    parse_email,
    parse_name,
    parse_phone,
)
from app.core.validation import collect


@dataclass(frozen=True, slots=True)
class AddressDetails:
    """The details of a saved address, "" for each that is not known; the contact person has both name and phone."""

    label: str = ""
    floor: str = ""
    landmark: str = ""
    contact_name: str = ""
    contact_phone: str = ""


NO_DETAILS = AddressDetails()


def read_address_details(typed: AddressDetails, account_email: str) -> AddressDetails:
    """The details in the form in which they are stored. Raises Invalid with an error for each wrong field.

    `account_email` is the customer's own: only accounts of the demo town may use its numbers.
    """
    contact = contact_readers(typed.contact_name, typed.contact_phone, account_email)
    return AddressDetails(
        **collect(
            {
                "label": lambda: parse_detail(typed.label, MAX_LABEL_LENGTH),
                **place_readers(typed.floor, typed.landmark),
                **contact,
            }
        )
    )


def place_readers(floor: str, landmark: str) -> dict[str, Callable[[], str]]:
    return {
        "floor": lambda: parse_detail(floor, MAX_FLOOR_LENGTH),
        "landmark": lambda: parse_detail(landmark, MAX_LANDMARK_LENGTH),
    }


def contact_readers(
    name: str, phone: str, account_email: str, email: str | None = None
) -> dict[str, Callable[[], str]]:
    """The readers of a contact person: none of the fields, or name and phone. `email` may stay empty."""
    given = any(text and not text.isspace() for text in (name, phone, email))
    readers: dict[str, Callable[[], str]] = {
        "contact_name": lambda: parse_name(name) if given else "",
        "contact_phone": lambda: parse_phone(phone, account_email) if given else "",
    }
    if email is not None:
        readers["contact_email"] = lambda: parse_email(email) if email.strip() else ""
    return readers
