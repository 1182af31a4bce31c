"""Where a professional lives: no customer sees it, and how far it is to a job is counted from there."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.contact_fields import cleaned, line_of, pincode_of
from app.accounts.repository import Pincodes, Users
from app.core.events import Person
from app.vetting.repository import Professionals


async def move_home(db: AsyncSession, me: Person, line: str, pincode: str) -> None:
    """The area served stays as it was chosen. Raises Invalid with every field that is wrong."""
    kept = cleaned({"address": lambda: line_of(line), "pincode": lambda: pincode_of(pincode)})
    place = await Pincodes(db).known(kept["pincode"])
    user = await Users(db).get(me.id, lock=True)
    await address_book.write_main(db, me, kept["address"], place.pincode)
    professional = await Professionals(db).get(me.id, lock=True)
    if professional.home_pincode != place.pincode:
        before, after = {"pincode": professional.home_pincode}, {"pincode": place.pincode}
        professional.home_pincode = place.pincode
        user.record("person.moved_home", by=user, before=before, after=after)
