"""The catalogue's JSON API: /api/services and /api/services/{name} for everyone, changes for admins."""

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
from app.catalog.repository import CatalogueRepository, ServiceDetails, ServiceRepository
from app.catalog.schemas import QUESTION_NUMBERS, draft_facts, form_values, question_values, read_service
from app.catalog.search import find_named_services
from app.core import cache_tags
from app.core.api_types import Listed, Paged
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.paging import Page, decode_cursor, page_of
from app.web.api import cacheable_json, idempotent, json_response, read_body, read_query, rename_errors, row_id
from app.web.guards import everyone, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Catalogue"
LIST_MAX_AGE_SECONDS = 60  # the keys of searches are typed by anybody
SERVICES = Listed[ServiceJson]
PATH_PARAMS = {"service_id": "ID of the service."}
LIST = Doc(
    summary="List all services", tag=TAG, query=Paged, responses={200: SERVICES, 304: None}, error_statuses=(404,)
)
NAMED = Doc(
    summary="Find services by name, best match first",
    tag=TAG,
    query=Paged,
    path={"name": "A service name, or most of its words."},
    responses={200: SERVICES, 304: None},
)
CREATE = Doc(
    summary="Create a service",
    tag=TAG,
    body=ServiceBody,
    responses={201: ServiceJson},
    error_statuses=(409,),
    idempotent=True,
)
EDIT = Doc(
    summary="Edit a service; changes apply to new bookings only",
    tag=TAG,
    body=ServiceChange,
    path=PATH_PARAMS,
    responses={200: ServiceJson},
    error_statuses=(409,),
    idempotent=True,
)
RETIRE = Doc(
    summary="Retire a service; existing bookings stay valid",
    tag=TAG,
    path=PATH_PARAMS,
    responses={200: ServiceJson},
    error_statuses=(409,),
)
# Fields whose names in the API differ from those of the form.
API_NAMES = {"minutes": "time_required", "category_id": "category"} | {
    f"{name}_{number}": "questions" for number in QUESTION_NUMBERS for name in ("question", "answer")
}


class CatalogueApi(Controller):
    path = "/api"

    @get("/services", name="api_services", opt=everyone(api=True, doc=LIST))
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> JsonResponse:
        params = read_query(request, Paged)
        (last,) = decode_cursor(params.after, int) or (0,)
        services = await ServiceRepository(db).offered(int(last), params.limit + 1)
        return _listed(request, page_of(services, params.limit, lambda service: [service.id]))

    @get("/service/{name:str}", name="api_services_named", opt=everyone(api=True, doc=NAMED))
    async def named(self, request: Request, name: FromPath[str], db: NamedDependency[AsyncSession]) -> JsonResponse:
        params = read_query(request, Paged)
        (offset,) = decode_cursor(params.after, int) or (0,)
        found = await find_named_services(db, name.replace("\x00", " "))
        hits = [hit.service_id for hit in found][max(int(offset), 0) :]
        services = await ServiceRepository(db).by_ids(hits[: params.limit + 1])
        page = page_of(services, params.limit, lambda _service: [int(offset) + params.limit])
        return _listed(request, page, cache_tags.SEARCH_RESULTS)

    @post("/services", name="api_new_service", opt=only("admin", api=True, doc=CREATE))
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, ServiceBody)

        async def make() -> JsonResponse:
            with rename_errors(**API_NAMES):
                draft = read_service(await _form_fields(db, body))
                service = await service_changes.create(db, me, draft)
            return json_response(service_json(await ServiceRepository(db).by_id(service.id)), 201)

        return await idempotent(request, db, me, body, make)

    @post("/edit_service/{service_id:int}", name="api_edit_service", opt=only("admin", api=True, doc=EDIT))
    async def edit(
        self, request: Request, service_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body, catalogue = await read_body(request, ServiceChange), CatalogueRepository(db)

        async def make() -> JsonResponse:
            service = await catalogue.service(row_id(service_id))
            before = form_values(draft_facts(await catalogue.service_draft(service)))
            with rename_errors(**API_NAMES):
                draft = read_service({**before, **await _form_fields(db, body)})
                await service_changes.edit(db, me, service.id, draft, service.event_count)
            return json_response(service_json(await ServiceRepository(db).by_id(service.id)))

        return await idempotent(request, db, me, body, make)

    @delete(
        "/delete_service/{service_id:int}",
        name="api_delete_service",
        status_code=200,
        opt=only("admin", api=True, doc=RETIRE),
    )
    async def retire(
        self, service_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        service = await service_changes.retire(db, me, row_id(service_id))
        return json_response(service_json(await ServiceRepository(db).by_id(service.id)))


def _listed(request: Request, page: Page[ServiceDetails], *tags: str) -> JsonResponse:
    listed = SERVICES(items=[service_json(service) for service in page.items], next=page.next)
    return cacheable_json(request, listed, max_age=LIST_MAX_AGE_SECONDS, tags=(cache_tags.SERVICES, *tags))


async def _form_fields(db: AsyncSession, body: ServiceBody | ServiceChange) -> Mapping[str, str]:
    """Convert the body to the values of the form. Raises Invalid("category") for an unknown category."""
    sent = {name: getattr(body, name) for name in body.__struct_fields__}
    fields: dict[str, Any] = {name: value for name, value in sent.items() if value is not UNSET}
    if "time_required" in fields:
        fields["minutes"] = fields.pop("time_required")
    if "category" in fields:
        category_id = await ServiceRepository(db).category_id_named(fields.pop("category"))
        if category_id is None:
            raise Invalid({"category": _("This category doesn't exist.")})
        fields["category_id"] = category_id
    if "questions" in fields:
        fields |= question_values([(each.question, each.answer) for each in fields.pop("questions")])
    return {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in fields.items()}
