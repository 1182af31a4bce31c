"""Which fields of a table's address an export of it keeps, and what they mean in words."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings import desk_repository, ledger_repository
from app.bookings.desk_pages import filters_in_words
from app.bookings.desk_repository import Desk
from app.bookings.wording import accounts, kinds, states
from app.kit.words import _
from app.web.table import LONGEST

FIELDS: Mapping[str, tuple[str, ...]] = {
    "bookings": ("q", *desk_repository.FILTERS),
    "customers": ("q", "state"),
    "professionals": ("q", "state", "service", "pincode"),
    "ledger": ledger_repository.FILTERS,
    "earnings": (),
}


def kept(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """Only what the table itself would read, as it would read it."""
    said = {name: given.get(name, "").strip()[:LONGEST] for name in FIELDS.get(kind, ())}
    return {name: value for name, value in said.items() if value}


async def told(db: AsyncSession, kind: str, filters: Mapping[str, str]) -> list[str]:
    """One line for each filter."""
    words = [f"“{filters['q']}”"] if filters.get("q") else []
    if state := filters.get("state"):
        words.append({**states(), **_standings()}.get(state, "–"))
    rest = {name: value for name, value in filters.items() if name not in ("q", "state")}
    words += [said for _name, said in await filters_in_words(Desk(db), rest)]
    if kind == "ledger":
        named = ((accounts(), "account"), (kinds(), "kind"))
        words += [said.get(filters[name], "–") for said, name in named if filters.get(name)]
    return words


def _standings() -> dict[str, str]:
    return {
        "waiting": _("Waiting"),
        "approved": _("Approved"),
        "denied": _("Denied"),
        "blocked": _("Blocked"),
        "left": _("Left"),
    }
