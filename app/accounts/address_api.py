"""The address book in the JSON API: GET and POST /api/profile/addresses, POST /api/profile/addresses/{id}."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import address_book
from app.accounts.address import Address
from app.accounts.address_pages import read_address
from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_FLOOR_LENGTH, MAX_LABEL_LENGTH, MAX_LANDMARK_LENGTH
from app.accounts.repository import Addresses
from app.accounts.schemas import NewAddress
from app.core.api_types import Body, Id
from app.web.api import idempotent, json_response, read_body, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Accounts"
Line = Annotated[str, Meta(max_length=300, description="House number and street.", examples=["12 Beach Road"])]
PincodeText = Annotated[str, Meta(max_length=40, description="6-digit pincode.", examples=["600020"])]
Label = Annotated[str, Meta(max_length=MAX_LABEL_LENGTH, description="What you call this address.", examples=["Home"])]
Floor = Annotated[str, Meta(max_length=MAX_FLOOR_LENGTH, description="Floor or unit.", examples=["2nd floor"])]
Landmark = Annotated[
    str, Meta(max_length=MAX_LANDMARK_LENGTH, description="What is near it.", examples=["Opposite the temple"])
]
ContactName = Annotated[
    str, Meta(max_length=120, description="Who is there, if it isn't you; needs a phone.", examples=["Lakshmi Iyer"])
]
ContactPhone = Annotated[
    str, Meta(max_length=40, description="Phone of the contact person.", examples=["+91 90000 00000"])
]


class AddressJson(Struct, kw_only=True):
    """A saved address; "" for each detail that isn't known."""

    id: Id
    address: Line
    pincode: PincodeText
    main: Annotated[bool, Meta(description="Whether it is your main address.", examples=[True])]
    label: Label
    floor: Floor
    landmark: Landmark
    contact_name: ContactName
    contact_phone: ContactPhone


class AddressListJson(Struct, kw_only=True):
    """Your address book, the main address first."""

    items: Annotated[list[AddressJson], Meta(description="All saved addresses.", examples=[[]])]


class AddressBody(Body):
    """An address; details that you leave out stay as they are."""

    address: Line
    pincode: PincodeText
    label: Label | UnsetType = UNSET
    floor: Floor | UnsetType = UNSET
    landmark: Landmark | UnsetType = UNSET
    contact_name: ContactName | UnsetType = UNSET
    contact_phone: ContactPhone | UnsetType = UNSET


ADDRESSES = Doc(summary="List your saved addresses", tag=TAG, responses={200: AddressListJson})
ADD = Doc(summary="Save an address", tag=TAG, body=AddressBody, responses={201: AddressJson}, idempotent=True)
CHANGE = Doc(
    summary="Change a saved address",
    tag=TAG,
    body=AddressBody,
    path={"address_id": "ID of the address."},
    responses={200: AddressJson},
    idempotent=True,
)


class AddressApi(Controller):
    path = "/api/profile/addresses"

    @get(name="api_addresses", opt=only("customer", api=True, doc=ADDRESSES))
    async def index(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(AddressListJson(items=[_json(address) for address in await Addresses(db, me.id).all()]))

    @post(name="api_add_address", opt=only("customer", api=True, doc=ADD))
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, AddressBody)

        async def add() -> JsonResponse:
            address = await address_book.add(db, me, *await read_address(db, me, _entered(body)))
            return json_response(_json(address), 201)

        return await idempotent(request, db, me, body, add)

    @post("/{address_id:int}", name="api_change_address", opt=only("customer", api=True, doc=CHANGE))
    async def update(
        self, request: Request, address_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, AddressBody)

        async def change() -> JsonResponse:
            address = await Addresses(db, me.id).get(row_id(address_id), lock=True)
            fields = await read_address(db, me, _entered(body), address)
            await address_book.change(db, me, address.id, *fields)
            return json_response(_json(address))

        return await idempotent(request, db, me, body, change)


def _entered(body: AddressBody) -> NewAddress:
    sent = {name: getattr(body, name) for name in body.__struct_fields__}
    return NewAddress(**{name: text for name, text in sent.items() if text is not UNSET})


def _json(address: Address) -> AddressJson:
    return AddressJson(
        id=address.id,
        address=address.line,
        pincode=address.pincode,
        main=address.is_main,
        label=address.label,
        floor=address.floor,
        landmark=address.landmark,
        contact_name=address.contact_name,
        contact_phone=address.contact_phone,
    )
