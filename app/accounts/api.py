"""Accounts in the API: POST /api/login, /api/logout, /api/register."""

import time
from typing import Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.api_schemas import LoginBody, LoginJson, RegisterBody, RegisteredJson
from app.accounts.pages import pad_response_time, transaction_factory, with_invite
from app.accounts.repository import Users
from app.accounts.schemas import NewCustomer
from app.accounts.sign_in import authenticate
from app.accounts.sign_in_listeners import after_sign_in
from app.accounts.sign_up import sign_up
from app.accounts.user import User
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Encryption
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.api import json_response, read_body
from app.web.guards import UserFacingError, everyone, signed_in
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address

TAG = "Accounts"
LOGIN = Doc(
    summary="Sign in and get a token", tag=TAG, body=LoginBody, responses={200: LoginJson}, error_statuses=(401,)
)
LOGOUT = Doc(summary="Sign out and end the token", tag=TAG, responses={204: None})
REGISTER = Doc(summary="Create a customer account", tag=TAG, body=RegisterBody, responses={201: RegisteredJson})


class WrongCredentials(UserFacingError):
    status_code = 401
    kind = "credentials"


class AccountApi(Controller):
    path = "/api"

    @post("/login", name="api_login", opt=everyone(api=True, doc=LOGIN))
    async def login(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        body = await read_body(request, LoginBody)
        address = client_address(request.scope, settings.trusted_proxies)
        new_transaction = transaction_factory(database, after_commit)
        device = auth.device_digest(request)
        user_id = await authenticate(new_transaction, passwords, body.email, body.password, address, device)
        if user_id is None:
            raise WrongCredentials(_("That email and password don't match."))
        user = await Users(db).get(user_id, lock=True)
        return await token_response(request, db, user)

    @post("/logout", name="api_logout", opt=signed_in(api=True, allow_blocked=True, doc=LOGOUT))
    async def logout(self, request: Request, db: NamedDependency[AsyncSession]) -> Response[Any]:
        await auth.revoke_token(request, db)
        return Response(b"", status_code=204)

    @post("/register", name="api_register", opt=everyone(api=True, doc=REGISTER))
    async def register(
        self,
        request: Request,
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        encryption: NamedDependency[Encryption],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        started, body = time.monotonic(), await read_body(request, RegisterBody)
        new = NewCustomer(**{name: getattr(body, name) for name in NewCustomer.__struct_fields__})
        new_transaction, next_url = transaction_factory(database, after_commit), with_invite("", body.invite)
        user = await sign_up(new_transaction, passwords, encryption, new, next_url)
        if user is not None and next_url:
            await after_sign_in(new_transaction, user, next_url)  # a program continues nowhere: the invite is kept now
        await pad_response_time(started, settings)
        return json_response(RegisteredJson(email=body.email), 201)


async def token_response(request: Request, db: AsyncSession, user: User, status: int = 200) -> JsonResponse:
    """Sign a program in as the user, whose row is locked: its token, and the cookie of a known device."""
    is_blocked = await Users(db).active_block(user.id) is not None
    token = await auth.issue_token(request, db, user)
    response = json_response(
        LoginJson(id=user.id, token=token, email=user.email, role=user.role, active=not is_blocked), status
    )
    response.cookies.append(await auth.remember_device(request, db, user))
    return response
