"""POST /api/login/code and /api/welcome: sign in, or up, with a code by email.

A code works only for the program that asked for it: it sends back the secret `request` that it was answered with.
"""

import time

from litestar import Controller, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.api import TAG, token_response
from app.accounts.api_schemas import CodeBody, CodeSentJson, LoginJson, WelcomeBody, WelcomeJson
from app.accounts.contact_fields import parse_email
from app.accounts.pages import pad_response_time, transaction_factory
from app.accounts.schemas import NewPerson
from app.accounts.session import CODE_LIFETIME
from app.accounts.sign_in_code_repository import SignInCodes
from app.accounts.sign_in_codes import confirm_account, create_account, proven_since, redeem_code, request_code
from app.accounts.sign_up import TransactionFactory
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.secrets import new_token
from app.core.validation import collect
from app.settings import Settings
from app.web.api import json_response, read_body
from app.web.guards import everyone
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address

CODE = Doc(
    summary="Ask for a code by email, or sign in with it",
    tag=TAG,
    body=CodeBody,
    responses={200: LoginJson, 201: CodeSentJson, 202: WelcomeJson},
)
WELCOME = Doc(
    summary="Create the account of an address that a code has confirmed",
    tag=TAG,
    body=WelcomeBody,
    responses={201: LoginJson},
)


class SignInCodeApi(Controller):
    path = "/api/login/code"

    @post(name="api_sign_in_code", opt=everyone(api=True, doc=CODE))
    async def create(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        body, new_transaction = await read_body(request, CodeBody), transaction_factory(database, after_commit)
        if not body.code and not body.request:
            return await _send_code(request, new_transaction, encryption, settings, body.email)
        row = await redeem_code(new_transaction, encryption, client_of(encryption, body.request), "", body.code)
        user = await confirm_account(db, row.email)
        if user is None:
            return json_response(WelcomeJson(email=row.email), 202)
        return await token_response(request, db, user)


class WelcomeApi(Controller):
    path = "/api/welcome"

    @post(name="api_welcome", opt=everyone(api=True, doc=WELCOME))
    async def create(
        self, request: Request, db: NamedDependency[AsyncSession], encryption: NamedDependency[Encryption]
    ) -> JsonResponse:
        body = await read_body(request, WelcomeBody)
        codes = SignInCodes(db)
        row = await codes.proven(client_of(encryption, body.request), proven_since(), lock=True)
        if row is None:
            raise Invalid({"request": _("Sign in with a new code first.")})
        fields = {name: getattr(body, name) for name in NewPerson.__struct_fields__}
        user = await create_account(db, row, NewPerson(**fields))
        await codes.end(row, user.id)
        return await token_response(request, db, user, 201)


async def _send_code(
    request: Request, new_transaction: TransactionFactory, encryption: Encryption, settings: Settings, typed: str
) -> JsonResponse:
    started, secret = time.monotonic(), new_token()
    email = collect({"email": lambda: parse_email(typed)})["email"]
    address, device = client_address(request.scope, settings.trusted_proxies), auth.device_digest(request)
    await request_code(new_transaction, encryption, email, client_of(encryption, secret), address, device)
    await pad_response_time(started, settings)
    return json_response(CodeSentJson(request=secret, expires_in=int(CODE_LIFETIME.total_seconds())), 201)


def client_of(encryption: Encryption, request_secret: str) -> bytes:
    """What stands for the browser of a code that a program asked for; no browser's cookie has this digest."""
    return encryption.digest(request_secret, "api sign-in code")
