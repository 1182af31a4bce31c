"""Signing in, out and up for programs: POST /api/login, /api/logout, /api/register."""

import time
from typing import Any

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.api_schemas import LoginBody, LoginJson, RegisterBody, RegisteredJson
from app.accounts.attempts import TooSoon
from app.accounts.pages import apart_of, evenly
from app.accounts.repository import Users
from app.accounts.schemas import NewCustomer
from app.accounts.sign_in import recognise
from app.accounts.sign_up import sign_up
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.encryption import Vault
from app.core.i18n import _
from app.core.secrets import Passwords
from app.settings import Settings
from app.web.api import read_body, tell
from app.web.guards import Spoken, everyone, signed_in
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc
from app.web.security import client_address

TAG = "Accounts"
LOGIN = Doc(summary="Sign in: a token", tag=TAG, body=LoginBody, answers={200: LoginJson}, refuses=(401,))
LOGOUT = Doc(summary="Sign out: the token ends", tag=TAG, answers={204: None})
REGISTER = Doc(summary="A new customer", tag=TAG, body=RegisterBody, answers={201: RegisteredJson})


class WrongCredentials(Spoken):
    status_code = 401
    kind = "credentials"


class TooOften(Spoken):
    status_code = 429
    kind = "too-often"


class AccountApi(Controller):
    path = "/api"

    @post("/login", name="api_login", opt=everyone(api=True, doc=LOGIN))
    async def login(
        self,
        request: Request,
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        given = await read_body(request, LoginBody)
        address = client_address(request, settings.trusted_proxies)
        try:
            person = await recognise(apart_of(database, after), passwords, given.email, given.password, address)
        except TooSoon as soon:
            raise TooOften(soon.words(), headers={"retry-after": str(soon.seconds)}) from soon
        if person is None:
            raise WrongCredentials(_("E-mail or password is not right."))
        user = await Users(db).get(person, lock=True)
        blocked = await Users(db).block_of(user.id) is not None
        token = await auth.give_token(request, db, user)
        return tell(LoginJson(id=user.id, token=token, email=user.email, role=user.role, active=not blocked))

    @post("/logout", name="api_logout", opt=signed_in(api=True, blocked_may=True, doc=LOGOUT))
    async def logout(self, request: Request, db: NamedDependency[AsyncSession]) -> Response[Any]:
        await auth.end_token(request, db)
        return Response(b"", status_code=204)

    @post("/register", name="api_register", opt=everyone(api=True, doc=REGISTER))
    async def register(
        self,
        request: Request,
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        vault: NamedDependency[Vault],
        settings: NamedDependency[Settings],
    ) -> JsonResponse:
        began, given = time.monotonic(), await read_body(request, RegisterBody)
        new = NewCustomer(**{name: getattr(given, name) for name in given.__struct_fields__})
        await sign_up(apart_of(database, after), passwords, vault, new)
        await evenly(began, settings)
        return tell(RegisteredJson(email=given.email), 201)
