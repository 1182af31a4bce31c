"""Change a user's own address book and record it in their history. Another user's address is Missing."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address
from app.accounts.address_details import NO_DETAILS, AddressDetails
from app.accounts.repository import Addresses, Users
from app.accounts.user import User
from app.core.events import Person


async def add(db: AsyncSession, me: Person, line: str, pincode: str, details: AddressDetails = NO_DETAILS) -> Address:
    """Add an address; the first one is the main one. Raises Invalid when the book is full."""
    user = await _locked(db, me)
    address = await Addresses(db, me.id).add(line, pincode, details)
    after = {"pincode": pincode, "main": address.is_main}
    user.record("person.address_added", by=user, address_id=address.id, after=after, personal={"after.address": line})
    return address


async def change(
    db: AsyncSession, me: Person, address_id: int, line: str, pincode: str, details: AddressDetails | None = None
) -> None:
    """Change the address; without `details` they stay. History has the line, never who opens the door."""
    user, address = await _locked(db, me), await Addresses(db, me.id).get(address_id, lock=True)
    details = address.details if details is None else details
    if (address.line, address.pincode, address.details) == (line, pincode, details):
        return
    address.details = details
    personal = {"before.address": address.line, "after.address": line}
    before, after = {"pincode": address.pincode}, {"pincode": pincode}
    address.line, address.pincode = line, pincode
    user.record("person.address_changed", by=user, address_id=address.id, before=before, after=after, personal=personal)


async def save_main(db: AsyncSession, me: Person, line: str, pincode: str) -> None:
    """Change the main address, or add the first one."""
    home = await Addresses(db, me.id).main()
    if home is None:
        await add(db, me, line, pincode)
    else:
        await change(db, me, home.id, line, pincode)


async def remove(db: AsyncSession, me: Person, address_id: int) -> None:
    """Remove an address; after the main one, the oldest other becomes the main address."""
    user, book = await _locked(db, me), Addresses(db, me.id)
    address = await book.get(address_id, lock=True)
    before, personal = {"pincode": address.pincode, "main": address.is_main}, {"before.address": address.line}
    await book.remove(address)
    user.record("person.address_removed", by=user, address_id=address_id, before=before, personal=personal)


async def make_main(db: AsyncSession, me: Person, address_id: int) -> None:
    user, book = await _locked(db, me), Addresses(db, me.id)
    address = await book.get(address_id, lock=True)
    previous = await book.main()
    if previous is None or previous.id == address.id:
        return
    before = {"address_id": previous.id}
    await book.make_main(address)
    user.record("person.main_address_changed", by=user, before=before, after={"address_id": address.id})


async def _locked(db: AsyncSession, me: Person) -> User:
    return await Users(db).get(me.id, lock=True)
