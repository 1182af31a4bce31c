"""Mark a professional as a favourite, and unmark them."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Missing, Refused
from app.core.events import Person
from app.core.i18n import _
from app.core.references import RowIds
from app.favourites.favourite import MAX_FAVOURITES
from app.favourites.repository import Favourites

ROW_IDS = RowIds()


async def set_favourite(db: AsyncSession, me: Person, professional_id: int, *, on: bool) -> None:
    """Idempotent. Missing: neither can they see the professional nor were they visited; Refused("favourites")."""
    if professional_id not in ROW_IDS:
        raise Missing
    favourites = Favourites(db, me)
    if not on and await favourites.remove(professional_id):
        return
    await favourites.require(professional_id)
    if not on:
        return
    if await favourites.count_others(professional_id) >= MAX_FAVOURITES:
        raise Refused(_("You can have 100 favourites. Remove one first."), reason="favourites")
    await favourites.add(professional_id)
