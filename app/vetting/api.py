"""JSON API of applications, reapplications, and the admin's decisions about them."""

import hashlib
import time
from typing import Annotated, Any

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.api_schemas import RegisteredJson
from app.accounts.auth import Me
from app.accounts.languages import LANGUAGE_CODES
from app.accounts.pages import pad_response_time, transaction_factory
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid, Overloaded
from app.core.i18n import N_, _
from app.core.secrets import Passwords
from app.core.storage import Storage, Upload
from app.settings import Settings
from app.vetting import reapplication
from app.vetting.api_schemas import DenialBody, ProfessionalJson, professional_json
from app.vetting.application import MAX_EXPERIENCE_YEARS, MAX_OFFERED_SERVICES, NewProfessional, submit_application
from app.vetting.decision import approve, deny
from app.vetting.document import PROOF_KINDS
from app.vetting.document_changes import parse_expiry
from app.vetting.document_scan import ScannedDocument, scan_document
from app.vetting.reapplication import clean_message, refuse_reapplication, requested_document_kind
from app.vetting.repository import Professionals
from app.web.api import idempotent, json_response, read_body, read_multipart_form, row_id
from app.web.guards import everyone, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address
from app.web.uploads import MAX_UPLOAD_REQUEST_BYTES

TAG = "People"
DOCUMENT_SCHEMA = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "description": "A PDF, JPEG, PNG, WebP or HEIC of at most 10 MB.",
}


def _text(description: str, example: str, max_length: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": max_length, "description": description, "examples": [example]}


REGISTER_FORM = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("full_name", "email", "phone", "password", "address", "pincode", "experience_years", "service_ids"),
        "document",
    ],
    "properties": {
        "full_name": _text("Full name.", "Elango Kannan", 120),
        "email": _text("Email address.", "elango.k@example.com", 254),
        "phone": _text("Indian mobile number.", "+91 90000 00000", 40),
        "password": _text("At least 10 characters.", "a long sentence that only you know", 200),
        "address": _text("House number and street.", "12 Beach Road", 300),
        "pincode": _text("6-digit pincode.", "600020", 40),
        "experience_years": {
            "type": "integer",
            "minimum": 0,
            "maximum": MAX_EXPERIENCE_YEARS,
            "description": "Years of experience.",
            "examples": [8],
        },
        "service_ids": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_OFFERED_SERVICES,
            "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
            "description": "IDs of the services you offer; repeat the field for each.",
            "examples": [[12, 15]],
        },
        "languages": {
            "type": "array",
            "maxItems": len(LANGUAGE_CODES),
            "items": {"enum": list(LANGUAGE_CODES)},
            "description": "Languages you speak, by their ISO 639 codes; repeat the field for each.",
            "examples": [["ta", "en"]],
        },
        "document": DOCUMENT_SCHEMA,
    },
}
REAPPLICATION_FORM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message", "document"],
    "properties": {
        "message": _text("What has changed since the last decision.", "Here is a clear photo.", 1_000),
        "kind": {"enum": list(PROOF_KINDS), "description": "Kind of document.", "examples": ["identity"]},
        "expires_on": {
            "type": "string",
            "format": "date",
            "description": "Expiry date of the document, if it has one.",
            "examples": ["2030-12-31"],
        },
        "document": DOCUMENT_SCHEMA,
    },
}
REGISTER = Doc(
    summary="Apply as a professional",
    tag=TAG,
    form=REGISTER_FORM,
    responses={201: RegisteredJson},
)
REAPPLICATION_CONTENT = Doc(
    summary="Reapply after a rejection or when a document has expired",
    tag=TAG,
    form=REAPPLICATION_FORM,
    responses={201: ProfessionalJson},
    error_statuses=(409,),
    idempotent=True,
)


PROFESSIONAL_ID = {"professional_id": "ID of the professional."}
VERIFY = Doc(
    summary="Approve a professional with all pending documents and services",
    tag=TAG,
    path=PROFESSIONAL_ID,
    responses={200: ProfessionalJson},
    error_statuses=(409,),
)
DENY = Doc(
    summary="Reject a professional's pending application, documents and services",
    tag=TAG,
    body=DenialBody,
    path=PROFESSIONAL_ID,
    responses={200: ProfessionalJson},
    error_statuses=(409,),
)


class ReapplicationForm(Struct, kw_only=True):
    message: Annotated[str, Meta(max_length=1_000, extra={"error": N_("That's too long. Shorten it.")})] = ""
    kind: Annotated[str, Meta(max_length=20, extra={"error": N_("Choose from the list.")})] = ""
    expires_on: Annotated[str, Meta(max_length=20, extra={"error": N_("Enter a date.")})] = ""


class ApplicationApi(Controller):
    path = "/api"

    @post(
        "/professional/register",
        name="api_register_professional",
        request_max_body_size=MAX_UPLOAD_REQUEST_BYTES,
        opt=everyone(api=True, doc=REGISTER),
    )
    async def register(
        self,
        request: Request,
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        encryption: NamedDependency[Encryption],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        started, address = time.monotonic(), client_address(request.scope, settings.trusted_proxies)
        new, upload = await read_multipart_form(request, NewProfessional, "document")
        await submit_application(
            transaction_factory(database, after_commit), passwords, encryption, storage, new, upload, address
        )
        await pad_response_time(started, settings)
        return json_response(RegisteredJson(email=new.email), 201)

    @post(
        "/re_verify",
        name="api_re_verify",
        request_max_body_size=MAX_UPLOAD_REQUEST_BYTES,
        opt=only("professional", api=True, doc=REAPPLICATION_CONTENT),
    )
    async def reapply(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        fields, upload = await read_multipart_form(request, ReapplicationForm, "document")
        digest = hashlib.sha256(upload.file.read()).hexdigest() if upload else ""
        # Before the transaction begins: no connection and no key is held during the scan.
        scan = await _scan(upload, client_address(request.scope, settings.trusted_proxies))

        async def send() -> JsonResponse:
            await refuse_reapplication(db, me)
            if fields.kind and fields.kind not in PROOF_KINDS:
                raise Invalid({"kind": _("Choose from the list.")})
            kind = fields.kind or await requested_document_kind(db, me.id)
            message, expires_on = clean_message(fields.message), parse_expiry(fields.expires_on)
            if isinstance(scan, Invalid):
                raise scan
            await reapplication.reapply(db, storage, me, kind, message, scan, expires_on)
            return json_response(professional_json(await Professionals(db).profile(me.id)), 201)

        payload = {"message": fields.message, "kind": fields.kind, "expires_on": fields.expires_on, "document": digest}
        return await idempotent(request, db, me, payload, send)


async def _scan(upload: Upload | None, address: str) -> ScannedDocument | Invalid:
    """The scanned file, or why it is refused, to be reported after what is wrong with the rest. Raises Overloaded."""
    try:
        return await scan_document(upload, address)
    except Overloaded:
        raise
    except Invalid as error:
        return error


class DecisionApi(Controller):
    path = "/api"
    opt = only("admin", api=True)

    @post("/verify/professional/{professional_id:int}", name="api_verify", opt={"doc": VERIFY})
    async def verify(
        self, professional_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        await Professionals(db).profile(row_id(professional_id))
        await approve(db, me, professional_id)
        return json_response(professional_json(await Professionals(db).profile(professional_id)))

    @post("/deny/professional/{professional_id:int}", name="api_deny", opt={"doc": DENY})
    async def denial(
        self,
        request: Request,
        professional_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> JsonResponse:
        body = await read_body(request, DenialBody)
        await Professionals(db).profile(row_id(professional_id))
        await deny(db, me, professional_id, body.reason)
        return json_response(professional_json(await Professionals(db).profile(professional_id)))
