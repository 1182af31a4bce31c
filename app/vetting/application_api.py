"""Asking to work with Doorstep, and asking again, by API: /api/professional/register and /api/re_verify."""

import hashlib
import time
from typing import Annotated, Any

from litestar import Controller, post
from litestar.di import NamedDependency
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.api import TooOften
from app.accounts.api_schemas import RegisteredJson
from app.accounts.attempts import TooSoon
from app.accounts.auth import Me
from app.accounts.pages import apart_of, evenly
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.people.api_schemas import ProfessionalJson, professional_json
from app.people.professional_repository import Professionals
from app.settings import Settings
from app.vetting.application import MOST_SERVICES, MOST_YEARS, NewProfessional, join
from app.vetting.document import KINDS
from app.vetting.document_changes import expiry_of
from app.vetting.reapplication import ask_again, kind_to_send, message_of, refuse_to_ask
from app.vetting.scanning import paper_of
from app.web.api import once, read_form, tell
from app.web.guards import everyone, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address
from app.web.uploads import UPLOAD

TAG = "People"
PAPER = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "A PDF, JPEG or PNG of at most 10 MB.",
}


def _text(words: str, example: str, most: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": most, "description": words, "examples": [example]}


REGISTER_FORM = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("full_name", "email", "phone", "password", "address", "pincode", "experience_years", "service_ids"),
        "document",
    ],
    "properties": {
        "full_name": _text("Full name.", "Elango Kannan", 120),
        "email": _text("E-mail address.", "elango.k@example.com", 254),
        "phone": _text("Indian mobile number.", "+91 90000 00000", 40),
        "password": _text("At least 10 characters.", "a long sentence that only you know", 200),
        "address": _text("House and street.", "12 Beach Road", 300),
        "pincode": _text("Six digits.", "600020", 40),
        "experience_years": {
            "type": "integer",
            "minimum": 0,
            "maximum": MOST_YEARS,
            "description": "Years of experience.",
            "examples": [8],
        },
        "service_ids": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_SERVICES,
            "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
            "description": "Numbers of the services that they do, a field for each.",
            "examples": [[12, 15]],
        },
        "document": PAPER,
    },
}
AGAIN_FORM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message", "document"],
    "properties": {
        "message": _text("What is different now.", "Here is a clear photo.", 1_000),
        "kind": {"enum": list(KINDS), "description": "What the paper is.", "examples": ["identity"]},
        "expires_on": {
            "type": "string",
            "format": "date",
            "description": "The last day printed on it, if there is one.",
            "examples": ["2030-12-31"],
        },
        "document": PAPER,
    },
}
REGISTER = Doc(
    summary="A new professional, who waits to be checked",
    tag=TAG,
    form=REGISTER_FORM,
    answers={201: RegisteredJson},
)
AGAIN = Doc(
    summary="Denied or out of date: ask to be checked again",
    tag=TAG,
    form=AGAIN_FORM,
    answers={201: ProfessionalJson},
    refuses=(409,),
    once=True,
)


class Again(Struct, kw_only=True):
    message: Annotated[str, Meta(max_length=1_000, extra={"error": N_("That is too long.")})] = ""
    kind: Annotated[str, Meta(max_length=20, extra={"error": N_("Please choose from the list.")})] = ""
    expires_on: Annotated[str, Meta(max_length=20, extra={"error": N_("Please give a date.")})] = ""


class JoiningApi(Controller):
    path = "/api"

    @post(
        "/professional/register",
        name="api_register_professional",
        request_max_body_size=UPLOAD,
        opt=everyone(api=True, doc=REGISTER),
    )
    async def register(
        self,
        request: Request,
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        vault: NamedDependency[Vault],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        began, address = time.monotonic(), client_address(request, settings.trusted_proxies)
        new, upload = await read_form(request, NewProfessional, "document")
        try:
            await join(apart_of(database, after), passwords, vault, storage, new, upload, address)
        except TooSoon as soon:
            raise TooOften(soon.words(), headers={"retry-after": str(soon.seconds)}) from soon
        await evenly(began, settings)
        return tell(RegisteredJson(email=new.email), 201)

    @post(
        "/re_verify",
        name="api_re_verify",
        request_max_body_size=UPLOAD,
        opt=only("professional", api=True, doc=AGAIN),
    )
    async def again(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
    ) -> JsonResponse:
        given, upload = await read_form(request, Again, "document")
        paper = hashlib.sha256(upload.file.read()).hexdigest() if upload else ""
        if upload:
            upload.file.seek(0)

        async def make() -> JsonResponse:
            await refuse_to_ask(db, me)
            if given.kind and given.kind not in KINDS:
                raise Invalid({"kind": _("Please choose from the list.")})
            kind = given.kind or await kind_to_send(db, me.id)
            message, expires_on = message_of(given.message), expiry_of(given.expires_on)
            await ask_again(db, storage, me, kind, message, await paper_of(upload), expires_on)
            return tell(professional_json(await Professionals(db).one(me.id)), 201)

        said = {"message": given.message, "kind": given.kind, "expires_on": given.expires_on, "document": paper}
        return await once(request, db, me, said, make)
