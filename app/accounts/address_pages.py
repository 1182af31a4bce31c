"""A customer's address book. Somebody else's address does not exist."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.address import Address, Pincode
from app.accounts.auth import Me
from app.accounts.contact_fields import cleaned, line_of, pincode_of
from app.accounts.pages import in_order
from app.accounts.repository import Addresses, Pincodes
from app.accounts.schemas import NewAddress
from app.core.errors import Invalid
from app.core.i18n import _
from app.web.forms import Form, form, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.security import local_path


class AddressPages(Controller):
    path = "/profile/addresses"
    opt = only("customer")

    @get("/new", name="new_address")
    async def new(self, request: Request) -> HtmlResponse:
        return _form(request, None, {})

    @post(name="addresses")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            line, place = await _read(db, sent)
            await address_book.add(db, me, line, place.pincode)
        except Invalid as error:
            return _form(request, None, shown_again(sent), error)
        flash(request, _("The address is in your book."))
        return go(request, local_path(sent.get("next"), "/profile"))

    @get("/{address_id:int}", name="address")
    async def edit(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        mine = await Addresses(db, me.id).get(address_id)
        return _form(request, mine, {"address": mine.line, "pincode": mine.pincode})

    @post("/{address_id:int}")
    async def update(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        mine = await Addresses(db, me.id).get(address_id, lock=True)
        try:
            line, place = await _read(db, sent)
        except Invalid as error:
            return _form(request, mine, shown_again(sent), error)
        await address_book.change(db, me, mine.id, line, place.pincode)
        flash(request, _("Saved."))
        return go(request, "/profile")

    @post("/{address_id:int}/removal", name="address_removal")
    async def remove(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await address_book.remove(db, me, address_id)
        flash(request, _("The address is removed."))
        return go(request, "/profile")

    @post("/{address_id:int}/main", name="main_address")
    async def make_main(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await address_book.make_main(db, me, address_id)
        flash(request, _("This is your main address now."))
        return go(request, "/profile")


async def _read(db: AsyncSession, sent: Form) -> tuple[str, Pincode]:
    typed = read(NewAddress, sent)
    kept = cleaned({"address": lambda: line_of(typed.address), "pincode": lambda: pincode_of(typed.pincode)})
    return kept["address"], await Pincodes(db).known(kept["pincode"])


def _form(request: Request, mine: Address | None, values: dict[str, str], wrong: Invalid | None = None) -> HtmlResponse:
    return page(
        request,
        "accounts/address.html",
        "accounts/_address_form.html",
        status=422 if wrong else 200,
        mine=mine,
        values=values,
        errors=in_order(wrong.errors if wrong else {}, NewAddress),
    )
