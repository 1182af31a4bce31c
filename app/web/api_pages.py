"""The API reference: for programs at /api/openapi.json, for people at /api."""

import hashlib
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency

from app.settings import Settings
from app.web.guards import everyone
from app.web.http import JsonResponse, Request
from app.web.openapi import openapi_document
from app.web.render import page


class ReferencePages(Controller):
    path = "/api"
    opt = everyone()

    @get(name="api_reference")
    async def index(self, request: Request, settings: NamedDependency[Settings]) -> JsonResponse:
        return page(request, "api/reference.html", reference=_document(request, settings), max_age=300)

    @get("/openapi.json", name="openapi", opt=everyone(anonymous=True))
    async def openapi(self, request: Request, settings: NamedDependency[Settings]) -> JsonResponse:
        body = msgspec.json.encode(_document(request, settings))
        headers = {"cache-control": "no-cache", "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
        return Response(body, headers=headers, media_type="application/json")


def _document(request: Request, settings: Settings) -> dict[str, Any]:
    return openapi_document(request.app, settings.base_url, version("doorstep"))
