"""What somebody does with their own address book, told in their history. Somebody else's address is Missing."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.address import Address
from app.accounts.repository import Addresses, Users
from app.accounts.user import User
from app.core.events import Person


async def add(db: AsyncSession, me: Person, line: str, pincode: str) -> Address:
    """The first one is the main one. Invalid when the book is full."""
    user = await _locked(db, me)
    made = await Addresses(db, me.id).add(line, pincode)
    after = {"pincode": pincode, "main": made.is_main}
    user.record("person.address_added", by=user, address_id=made.id, after=after, personal={"after.address": line})
    return made


async def change(db: AsyncSession, me: Person, address_id: int, line: str, pincode: str) -> None:
    user, address = await _locked(db, me), await Addresses(db, me.id).get(address_id, lock=True)
    if (address.line, address.pincode) == (line, pincode):
        return
    personal = {"before.address": address.line, "after.address": line}
    before, after = {"pincode": address.pincode}, {"pincode": pincode}
    address.line, address.pincode = line, pincode
    user.record("person.address_changed", by=user, address_id=address.id, before=before, after=after, personal=personal)


async def write_main(db: AsyncSession, me: Person, line: str, pincode: str) -> None:
    """Where they live, from now on: the main address changes, or the first one is written."""
    home = await Addresses(db, me.id).main()
    if home is None:
        await add(db, me, line, pincode)
    else:
        await change(db, me, home.id, line, pincode)


async def remove(db: AsyncSession, me: Person, address_id: int) -> None:
    """When the main one goes, the oldest of the others takes its place."""
    user, book = await _locked(db, me), Addresses(db, me.id)
    address = await book.get(address_id, lock=True)
    before, personal = {"pincode": address.pincode, "main": address.is_main}, {"before.address": address.line}
    await book.remove(address)
    user.record("person.address_removed", by=user, address_id=address_id, before=before, personal=personal)


async def make_main(db: AsyncSession, me: Person, address_id: int) -> None:
    user, book = await _locked(db, me), Addresses(db, me.id)
    address = await book.get(address_id, lock=True)
    was = await book.main()
    if was is None or was.id == address.id:
        return
    before = {"address_id": was.id}
    await book.make_main(address)
    user.record("person.main_address_changed", by=user, before=before, after={"address_id": address.id})


async def _locked(db: AsyncSession, me: Person) -> User:
    return await Users(db).get(me.id, lock=True)
