"""The remembered payment methods in the JSON API: GET /api/profile/payment-methods, POST …/{id}/removal."""

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.api_types import Id
from app.payments.saved_method import SavedMethod
from app.payments.saved_methods_repository import SavedMethods
from app.web.api import idempotent, json_response, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Accounts"


class SavedMethodJson(Struct, kw_only=True):
    """A remembered card or UPI ID. Its number is not stored."""

    id: Id
    method: Annotated[Literal["card", "upi"], Meta(description="Payment method.", examples=["card"])]
    brand: Annotated[str | None, Meta(description="Brand of the card.", examples=["Visa", None])]
    last4: Annotated[str | None, Meta(description="The last 4 digits of the card.", examples=["4242", None])]
    expires_on: Annotated[
        str | None, Meta(description="The last day on which the card is valid.", examples=["2040-08-31", None])
    ]
    upi_id: Annotated[str | None, Meta(description="The UPI ID, masked.", examples=["as…@okbank", None])]


class SavedMethodListJson(Struct, kw_only=True):
    """Your remembered payment methods, the one used last first."""

    items: Annotated[list[SavedMethodJson], Meta(description="All remembered methods.", examples=[[]])]


METHODS = Doc(summary="List your remembered payment methods", tag=TAG, responses={200: SavedMethodListJson})
REMOVE = Doc(
    summary="Remove a remembered payment method",
    tag=TAG,
    path={"saved_id": "ID of the remembered method."},
    responses={200: SavedMethodListJson},
    idempotent=True,
)


class SavedMethodApi(Controller):
    path = "/api/profile/payment-methods"

    @get(name="api_saved_methods", opt=only("customer", api=True, doc=METHODS))
    async def index(self, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(await _list(db, me))

    @post("/{saved_id:int}/removal", name="api_remove_saved_method", opt=only("customer", api=True, doc=REMOVE))
    async def remove(
        self, request: Request, saved_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        async def removed() -> JsonResponse:
            await SavedMethods(db, me).remove(row_id(saved_id))
            return json_response(await _list(db, me))

        return await idempotent(request, db, me, {"saved_id": saved_id}, removed)


async def _list(db: AsyncSession, me: Me) -> SavedMethodListJson:
    return SavedMethodListJson(items=[_json(method) for method in await SavedMethods(db, me).all()])


def _json(saved: SavedMethod) -> SavedMethodJson:
    return SavedMethodJson(
        id=saved.id,
        method="card" if saved.method == "card" else "upi",
        brand=saved.brand,
        last4=saved.last4,
        expires_on=saved.expires_on.isoformat() if saved.expires_on else None,
        upi_id=saved.masked_id,
    )
