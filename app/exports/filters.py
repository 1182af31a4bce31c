"""Which fields of a table's address an export of it keeps."""

from collections.abc import Mapping

from app.billing import ledger_repository
from app.dispatch import repository

LONGEST = 100  # characters of one field, as the tables read them
FIELDS: Mapping[str, tuple[str, ...]] = {
    "bookings": ("q", *repository.FILTERS),
    "customers": ("q", "state"),
    "professionals": ("q", "state", "service", "pincode"),
    "ledger": ledger_repository.FILTERS,
    "earnings": (),
}


def kept(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """Only what the table itself would read, as it would read it."""
    said = {name: given.get(name, "").strip()[:LONGEST] for name in FIELDS.get(kind, ())}
    return {name: value for name, value in said.items() if value}
