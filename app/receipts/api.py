"""JSON API: the receipt of a handover for its customer, and its public verification."""

import json
from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.api_types import Body
from app.core.encryption import Encryption
from app.core.signing import read_token
from app.receipts.repository import Receipts, StoredReceipt
from app.receipts.verification import MAX_RECEIPT_BYTES, MAX_REQUEST_BYTES, verify_receipt
from app.web.api import json_response, read_body
from app.web.guards import everyone, only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

TAG = "Receipts"
EXAMPLE = "header.payload.signature"
Payload = Annotated[
    dict[str, Any],
    Meta(description="What the receipt says; see docs/receipts.md.", examples=[{"booking": "7K3MQ9WD"}]),
]


class HandoverJson(Struct, kw_only=True):
    """The receipt of a completed booking."""

    receipt: Annotated[
        str, Meta(description="Compact JWS, signed with Ed25519 (alg EdDSA); kid names the key.", examples=[EXAMPLE])
    ]
    payload: Payload


class ReceiptBody(Body):
    """A receipt to verify."""

    receipt: Annotated[
        str,
        Meta(
            max_length=MAX_RECEIPT_BYTES,
            description="The compact JWS, the file `handover.json`, or the end of a printed link.",
            examples=[EXAMPLE],
        ),
    ]


class VerificationJson(Struct, kw_only=True):
    """What became of it."""

    result: Annotated[
        Literal["valid", "altered", "unknown"],
        Meta(description="`unknown`: not signed with a key of Doorstep.", examples=["valid"]),
    ]
    payload: Annotated[
        dict[str, Any] | None,
        Meta(description="What a valid receipt says; else null.", examples=[{"booking": "7K3MQ9WD"}, None]),
    ]


HANDOVER = Doc(
    summary="Get the signed receipt of a completed booking",
    tag=TAG,
    path={"ref": "The booking's public reference."},
    responses={200: HandoverJson},
)
VERIFY = Doc(
    summary="Verify a receipt; everyone may",
    tag=TAG,
    body=ReceiptBody,
    responses={200: VerificationJson},
)


def handover_document(stored: StoredReceipt) -> HandoverJson:
    token = read_token(stored.receipt)
    assert token is not None  # handover_receipts_receipt_check
    return HandoverJson(receipt=stored.receipt, payload=json.loads(token.payload))


class HandoverApi(Controller):
    path = "/api/bookings/{ref:str}/handover.json"

    @get(name="api_handover", opt=only("customer", api=True, doc=HANDOVER))
    async def show(
        self, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return json_response(handover_document(await Receipts(db).of_customer(me, ref)))


class VerificationApi(Controller):
    path = "/api/receipts/verify"

    @post(
        name="api_verify_receipt",
        status_code=200,
        opt=everyone(api=True, doc=VERIFY),
        request_max_body_size=MAX_REQUEST_BYTES,
    )
    async def create(
        self, request: Request, db: NamedDependency[AsyncSession], encryption: NamedDependency[Encryption]
    ) -> JsonResponse:
        body = await read_body(request, ReceiptBody)
        verification = await verify_receipt(db, encryption, body.receipt)
        return json_response(VerificationJson(result=verification.verdict.value, payload=verification.payload))
