"""A professional's home address: hidden from customers, the origin for distances to jobs."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.contact_fields import parse_address_line, parse_pincode
from app.accounts.repository import Pincodes, Users
from app.core.events import Person
from app.core.validation import collect
from app.vetting.repository import Professionals


async def move_home(db: AsyncSession, me: Person, line: str, typed_pincode: str) -> None:
    """Change the home address; the service area stays. Invalid with all errors."""
    cleaned = collect({"address": lambda: parse_address_line(line), "pincode": lambda: parse_pincode(typed_pincode)})
    pincode = await Pincodes(db).require(cleaned["pincode"])
    user = await Users(db).get(me.id, lock=True)
    await address_book.save_main(db, me, cleaned["address"], pincode.pincode)
    professional = await Professionals(db).get(me.id, lock=True)
    if professional.home_pincode != pincode.pincode:
        before, after = {"pincode": professional.home_pincode}, {"pincode": pincode.pincode}
        professional.move_home(pincode.pincode)
        user.record("person.moved_home", by=user, before=before, after=after)
