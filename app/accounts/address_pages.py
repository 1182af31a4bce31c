"""Pages of a customer's address book; another person's address is Missing."""

from dataclasses import asdict

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.address import Address
from app.accounts.address_details import NO_DETAILS, AddressDetails, read_address_details
from app.accounts.auth import Me
from app.accounts.contact_fields import parse_address_line, parse_pincode
from app.accounts.pages import form_page
from app.accounts.repository import Addresses, Pincodes
from app.accounts.schemas import NewAddress
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.validation import collect
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect
from app.web.security import local_path
from app.web.validation import validate_form


class AddressPages(Controller):
    path = "/profile/addresses"
    opt = only("customer")

    @get("/new", name="new_address")
    async def new(self, request: Request) -> HtmlResponse:
        return _render_form(request, None, {})

    @post(name="addresses")
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def add() -> None:
            await address_book.add(db, me, *await read_address(db, me, validate_form(NewAddress, form)))

        return await submit(
            request,
            add,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_form(request, None, rejection.values, rejection),
            message=_("Address saved."),
            then=local_path(form.get("next"), "/profile"),
        )

    @get("/{address_id:int}", name="address")
    async def edit(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        address = await Addresses(db, me.id).get(address_id)
        values = {"address": address.line, "pincode": address.pincode, **asdict(address.details)}
        return _render_form(request, address, values)

    @post("/{address_id:int}")
    async def update(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        address = await Addresses(db, me.id).get(address_id, lock=True)

        async def change() -> None:
            entered = validate_form(NewAddress, form)
            await address_book.change(db, me, address.id, *await read_address(db, me, entered, address))

        return await submit(
            request,
            change,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_form(request, address, rejection.values, rejection),
            message=_("Saved."),
            then="/profile",
        )

    @post("/{address_id:int}/removal", name="address_removal")
    async def remove(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await address_book.remove(db, me, address_id)
        flash(request, _("Address removed."))
        return redirect(request, "/profile")

    @post("/{address_id:int}/main", name="main_address")
    async def make_main(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await address_book.make_main(db, me, address_id)
        flash(request, _("This is now your main address."))
        return redirect(request, "/profile")


async def read_address(
    db: AsyncSession, me: Me, entered: NewAddress, current: Address | None = None
) -> tuple[str, str, AddressDetails]:
    """The address line, the pincode and the details; those not entered stay as in `current`. Raises Invalid."""
    fields: dict[str, str] = {}
    details = NO_DETAILS
    errors: dict[str, str] = {}
    try:
        fields = collect(
            {
                "address": lambda: parse_address_line(entered.address),
                "pincode": lambda: parse_pincode(entered.pincode),
            }
        )
    except Invalid as error:
        errors |= error.errors
    try:
        details = read_address_details(entered.details(current.details if current else NO_DETAILS), me.email)
    except Invalid as error:
        errors |= error.errors
    if errors:
        raise Invalid(errors)
    await Pincodes(db).require(fields["pincode"])
    return fields["address"], fields["pincode"], details


def _render_form(
    request: Request, address: Address | None, values: dict[str, str], rejection: Rejection | None = None
) -> HtmlResponse:
    return form_page(request, "address", values, rejection, order=NewAddress, address=address)
