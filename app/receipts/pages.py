"""/receipts/verify for everyone, the receipt's file for the customer, and the public keys."""

from datetime import datetime

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.encryption import Encryption
from app.core.errors import Invalid, RateLimited
from app.core.i18n import _, ngettext
from app.core.network import client_network
from app.core.rate_limiter import RateLimiter, RateLimitPolicy
from app.core.signing import canonical_json, public_jwk
from app.receipts.api import handover_document
from app.receipts.labels import VERDICT_HEADINGS, VERDICT_TEXTS
from app.receipts.qr_code import VERIFICATION_PATH
from app.receipts.repository import Receipts
from app.receipts.verification import MAX_RECEIPT_BYTES, MAX_REQUEST_BYTES, Verification, public_keys, verify_receipt
from app.settings import Settings
from app.web.actions import Rejection, submit
from app.web.api import json_response
from app.web.forms import Form, parse_form, parse_query
from app.web.guards import everyone, only
from app.web.http import HtmlResponse, JsonResponse, Request
from app.web.render import page
from app.web.security import client_address
from app.web.services import services_of

KEYS_MAX_AGE_SECONDS = 3600
VERIFICATION_LIMIT = RateLimitPolicy("receipts", 300, 60)


class ReceiptVerificationPages(Controller):
    path = VERIFICATION_PATH
    opt = everyone()

    @get(name="verify-receipt")
    async def show(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        """The form; with ?receipt=, as in the QR code of a printed receipt, the answer."""
        query = parse_query(request)
        if not query.get("receipt", "").strip():
            return _render(request)
        return await _verify(request, db, encryption, settings, query)

    @post(status_code=200, request_max_body_size=MAX_REQUEST_BYTES)
    async def create(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        return await _verify(request, db, encryption, settings, await parse_form(request))


async def _verify(
    request: Request, db: AsyncSession, encryption: Encryption, settings: Settings, form: Form
) -> HtmlResponse:
    async def verify() -> Verification:
        await _count_verification(
            services_of(request).rate_limiter, client_address(request.scope, settings.trusted_proxies)
        )
        return await verify_receipt(db, encryption, _shown_text(form))

    return await submit(
        request,
        verify,
        form={"receipt": form.get("receipt", "")[:MAX_RECEIPT_BYTES]},
        catch=(Invalid, RateLimited),
        on_error=lambda rejection: _render(request, rejection=rejection),
        then=lambda verification: _render(request, verification),
    )


def _render(
    request: Request, verification: Verification | None = None, rejection: Rejection | None = None
) -> HtmlResponse:
    verdict = verification.verdict if verification else None
    payload = verification.payload if verification else None
    return page(
        request,
        "receipts/verify.html",
        status=rejection.status if rejection else 200,
        headers={"cache-control": "no-store", **(rejection.headers if rejection else {})},
        verdict=verdict,
        heading=_(VERDICT_HEADINGS[verdict]) if verdict else "",
        text=_(VERDICT_TEXTS[verdict]) if verdict else "",
        payload=payload,
        times={name: datetime.fromisoformat(at) for name, at in payload["times"].items() if at} if payload else {},
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        message=rejection.message if rejection else "",
    )


def _shown_text(form: Form) -> str:
    """The receipt of the form. Raises Invalid at `receipt` when there is none, or more than a receipt can be."""
    upload = next((file for name in ("receipt", "file") for file in form.all_files(name) if file.size), None)
    text = form.get("receipt", "").strip()
    if upload is not None and not text:
        if upload.too_large or upload.size > MAX_RECEIPT_BYTES:
            raise Invalid({"receipt": _too_large()})
        text = upload.file.read().decode("utf-8", "replace").strip()
    if not text:
        raise Invalid({"receipt": _("Paste the receipt, or choose its file.")})
    if len(text.encode()) > MAX_RECEIPT_BYTES:
        raise Invalid({"receipt": _too_large()})
    return text


async def _count_verification(limiter: RateLimiter, address: str) -> None:
    """Count one for the visitor's network. Raises RateLimited after 300 in a minute."""
    result = await limiter.hit(VERIFICATION_LIMIT, client_network(address))
    if result is not None and not result.allowed:
        message = ngettext(
            "Too many attempts. Wait 1 second, then try again.",
            "Too many attempts. Wait %(num)s seconds, then try again.",
            result.reset_seconds,
        )
        raise RateLimited(message, result.reset_seconds)


def _too_large() -> str:
    return _("That's too large for a receipt. Send at most 100 KB.")


@get("/bookings/{ref:str}/handover.json", name="handover", opt=only("customer"))
async def handover(ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> JsonResponse:
    """The receipt of a completed booking, for its customer."""
    stored = await Receipts(db).of_customer(me, ref)
    return json_response(handover_document(stored))


@get("/.well-known/doorstep-keys.json", name="receipt-keys", opt=everyone(anonymous=True), include_in_schema=False)
async def receipt_keys(db: NamedDependency[AsyncSession], encryption: NamedDependency[Encryption]) -> JsonResponse:
    """The JWK set of all keys that receipts were ever signed with (RFC 7517)."""
    keys = await public_keys(db, encryption)
    body = canonical_json({"keys": [public_jwk(key_id, public_key) for key_id, public_key in keys.items()]})
    headers = {"cache-control": f"public, max-age={KEYS_MAX_AGE_SECONDS}", "access-control-allow-origin": "*"}
    return Response(body, headers=headers, media_type="application/json")
