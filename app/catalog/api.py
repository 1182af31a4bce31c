"""The catalogue for programs: /api/services and /api/service/{name} for all, what changes it for admins."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.catalog import service_changes
from app.catalog.api_schemas import ServiceBody, ServiceChange, ServiceJson, service_json
from app.catalog.change_repository import Catalogue
from app.catalog.repository import Services, Shown
from app.catalog.schemas import as_typed, read_service, told
from app.catalog.search import resolve
from app.core.api_types import Listed, Paged
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.paging import Page, after, page_of
from app.web.api import called, once, read_body, read_query, row, tell, tell_everybody
from app.web.guards import everyone, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Catalogue"
SERVICES = Listed[ServiceJson]
NUMBER = {"service_id": "Number of the service."}
LIST = Doc(summary="The catalogue", tag=TAG, query=Paged, answers={200: SERVICES, 304: None}, refuses=(404,))
NAMED = Doc(
    summary="Services that a name or other words mean, the best first",
    tag=TAG,
    query=Paged,
    path={"name": "A name, or the words that somebody would search by."},
    answers={200: SERVICES, 304: None},
)
CREATE = Doc(summary="A new service", tag=TAG, body=ServiceBody, answers={201: ServiceJson}, refuses=(409,), once=True)
EDIT = Doc(
    summary="Change a service; new bookings go by it",
    tag=TAG,
    body=ServiceChange,
    path=NUMBER,
    answers={200: ServiceJson},
    refuses=(409,),
    once=True,
)
RETIRE = Doc(
    summary="Take a service out of the catalogue; what is booked is honoured",
    tag=TAG,
    path=NUMBER,
    answers={200: ServiceJson},
    refuses=(409,),
)
# What programs call otherwise than the form.
CALLED = {"minutes": "time_required", "category_id": "category"}


class CatalogueApi(Controller):
    path = "/api"

    @get("/services", name="api_services", opt=everyone(api=True, doc=LIST))
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        asked = read_query(request, Paged)
        (last,) = after(asked.after, int) or (0,)
        found = await Services(db).offered(int(last), asked.limit + 1)
        return _listed(request, page_of(found, asked.limit, lambda one: [one.id]))

    @get("/service/{name:str}", name="api_services_named", opt=everyone(api=True, doc=NAMED))
    async def named(self, request: Request, name: FromPath[str], db: NamedDependency[AsyncSession]) -> JsonResponse:
        asked = read_query(request, Paged)
        (seen,) = after(asked.after, int) or (0,)
        hits = [hit.service_id for hit in await resolve(db, name.replace("\x00", " "))][max(int(seen), 0) :]
        found = await Services(db).these(hits[: asked.limit + 1])
        return _listed(request, page_of(found, asked.limit, lambda _one: [int(seen) + asked.limit]))

    @post("/services", name="api_new_service", opt=only("admin", api=True, doc=CREATE))
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        given = await read_body(request, ServiceBody)

        async def make() -> JsonResponse:
            with called(**CALLED):
                draft = read_service(await _typed(db, given))
                service = await service_changes.create(db, me, draft)
            return tell(service_json(await Services(db).by_id(service.id)), 201)

        return await once(request, db, me, given, make)

    @post("/edit_service/{service_id:int}", name="api_edit_service", opt=only("admin", api=True, doc=EDIT))
    async def edit(
        self, request: Request, service_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        given, catalogue = await read_body(request, ServiceChange), Catalogue(db)

        async def make() -> JsonResponse:
            service = await catalogue.service(row(service_id))
            before = as_typed(told(await catalogue.draft_of_service(service)))
            with called(**CALLED):
                draft = read_service({**before, **await _typed(db, given)})
                await service_changes.edit(db, me, service.id, draft, service.event_count)
            return tell(service_json(await Services(db).by_id(service.id)))

        return await once(request, db, me, given, make)

    @delete(
        "/delete_service/{service_id:int}",
        name="api_delete_service",
        status_code=200,
        opt=only("admin", api=True, doc=RETIRE),
    )
    async def retire(
        self, service_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        service = await service_changes.retire(db, me, row(service_id))
        return tell(service_json(await Services(db).by_id(service.id)))


# How


def _listed(request: Request, page: Page[Shown]) -> JsonResponse:
    return tell_everybody(request, SERVICES(items=[service_json(one) for one in page.items], next=page.next))


async def _typed(db: AsyncSession, given: ServiceBody | ServiceChange) -> Mapping[str, str]:
    """What was sent, as it would stand in the fields of the form. Invalid("category") when there is no such one."""
    sent = {name: getattr(given, name) for name in given.__struct_fields__}
    said: dict[str, Any] = {name: value for name, value in sent.items() if value is not UNSET}
    if "time_required" in said:
        said["minutes"] = said.pop("time_required")
    if "category" in said:
        known = await Services(db).category_called(said.pop("category"))
        if known is None:
            raise Invalid({"category": _("There is no such category.")})
        said["category_id"] = known
    return {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in said.items()}
