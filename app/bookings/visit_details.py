"""Where exactly a visit is, and who is at the door when it is not the customer: a snapshot beside the address."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.accounts.address_details import AddressDetails, contact_readers, place_readers
from app.core.addresses import with_details
from app.core.validation import collect

VISIT_FIELDS = ("floor", "landmark", "contact_name", "contact_phone", "contact_email")
CONTACT_FIELDS = ("contact_name", "contact_phone", "contact_email")


@dataclass(frozen=True, slots=True)
class VisitDetails:
    """ "" for what is not known. The contact has name and phone; with an email the start code goes there too."""

    floor: str = ""
    landmark: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""

    def at(self, saved: AddressDetails) -> "VisitDetails":
        """These details at a saved address: its floor and landmark, and its contact person unless one is named."""
        placed = replace(self, floor=saved.floor, landmark=saved.landmark)
        if self.contact_name:
            return placed
        return replace(placed, contact_name=saved.contact_name, contact_phone=saved.contact_phone)


NO_VISIT_DETAILS = VisitDetails()


class VisitMixin:
    """The columns of these details, of a booking: neither is part of its history."""

    if TYPE_CHECKING:
        address: str
        floor: str
        landmark: str
        contact_name: str
        contact_phone: str
        contact_email: str

    @property
    def visit(self) -> VisitDetails:
        return VisitDetails(self.floor, self.landmark, self.contact_name, self.contact_phone, self.contact_email)

    @visit.setter
    def visit(self, visit: VisitDetails) -> None:
        self.floor, self.landmark = visit.floor, visit.landmark
        self.contact_name, self.contact_phone = visit.contact_name, visit.contact_phone
        self.contact_email = visit.contact_email

    @property
    def whole_address(self) -> str:
        """The line of the address with floor and landmark."""
        return with_details(self.address, self.floor, self.landmark)


def read_visit_details(typed: VisitDetails, account_email: str) -> VisitDetails:
    """The details in the form in which they are stored. Raises Invalid with an error for each wrong field.

    `account_email` is the customer's own: only accounts of the demo town may use its numbers.
    """
    contact = contact_readers(typed.contact_name, typed.contact_phone, account_email, typed.contact_email)
    return VisitDetails(**collect({**place_readers(typed.floor, typed.landmark), **contact}))
