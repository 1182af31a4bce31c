"""Handlers for tests only, one for each guarantee of the web layer."""

import asyncio
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.session import Attempts
from app.accounts.user import User
from app.core import clock
from app.core.cache import Cache, invalidate
from app.core.errors import Invalid, Missing, RateLimited, Refused
from app.core.events import nudge
from app.core.i18n import N_
from app.web.forms import parse_form, parse_query, redisplayable
from app.web.guards import everyone, only, signed_in
from app.web.http import Request
from app.web.render import flash, page, redirect
from app.web.validation import validate_form

TEMPLATES = Path(__file__).parent / "templates"
_numbers = count(1)
Db = NamedDependency[AsyncSession]


class PincodeForm(msgspec.Struct):
    pincode: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}$", extra={"error": N_("Enter 6 digits.")})]
    note: Annotated[str, msgspec.Meta(max_length=300)] = ""
    count: int = 1


@get("/t/form", opt=everyone())
async def show_form(request: Request) -> Response[bytes]:
    return page(request, "t/form.html", values={}, errors={})


@post("/t/form", opt=everyone())
async def send_form(request: Request, db: Db) -> Response[bytes]:
    sent = await parse_form(request)
    await _write(db, sent.get("key", "form"))
    try:
        location = validate_form(PincodeForm, sent)
    except Invalid as error:
        return page(request, "t/form.html", status=422, values=redisplayable(sent), errors=error.errors)
    flash(request, f"Kept {location.pincode}.")
    return redirect(request, "/t/form")


@post("/t/upload", opt=everyone())
async def upload(request: Request) -> dict[str, Any]:
    sent = await parse_form(request)
    return {"fields": dict(sent), "all": sent.all("checked"), "files": sorted(sent.files)}


@get("/t/page", opt=everyone())
async def show_page(request: Request) -> Response[bytes]:
    message = parse_query(request).get("message", "")
    return page(request, "t/page.html", "t/_piece.html", number=next(_numbers), message=message)


@get("/t/kept", opt=everyone())
async def cached_page(request: Request) -> Response[bytes]:
    message = "x" * 900
    number = next(_numbers)
    return page(request, "t/page.html", "t/_piece.html", max_age=30, tags=("kept:one",), number=number, message=message)


@get("/t/kept-form", opt=everyone())
async def cached_form(request: Request) -> Response[bytes]:
    return page(request, "t/form.html", max_age=30, tags=("kept",), values={}, errors={})


@post("/t/forget", opt=everyone())
async def forget_page(request: Request, db: Db) -> Response[bytes]:
    invalidate(db, (await parse_form(request)).get("name", "kept"))
    return redirect(request, "/t/kept")


@get("/t/cached", opt=everyone())
async def cached(cache: NamedDependency[Cache]) -> dict[str, int]:
    async def make() -> int:
        return next(_numbers)

    return {"number": await cache.get("cached:number", 30, make, value_type=int)}


@get("/t/customer", opt=only("customer"))
async def for_customers(me: NamedDependency[Me]) -> dict[str, Any]:
    return {"name": me.name, "role": me.role}


@get("/t/signed-in", opt=signed_in())
async def for_signed_in(me: NamedDependency[Me]) -> dict[str, Any]:
    return {
        "id": me.id,
        "initials": me.initials,
        "tint": me.tint,
        "verified": me.verified,
        "standing": me.approval_status,
    }


@get("/t/restricted", opt=signed_in(allow_blocked=True))
async def restricted(me: NamedDependency[Me]) -> dict[str, Any]:
    return {"blocked": me.blocked}


@get("/t/read-only", opt=everyone())
async def transaction_starts(request: Request, db: Db) -> dict[str, Any]:
    """Tells its transaction's start twice; adds a row for a `key` before, and flushes it if the query says so."""
    query = parse_query(request)
    starts = [str(await db.scalar(text("SELECT now()"))) for _ in range(2)]
    if query.get("key"):
        db.add(Attempts(key=query["key"], first_at=clock.now(), wait_until=clock.now()))
    if query.get("flush"):
        await db.flush()
    return {"starts": starts}


@post("/t/write/{how:str}", opt=everyone())
async def write(request: Request, db: Db, how: FromPath[str]) -> Response[Any]:
    await _write(db, (await parse_form(request))["key"])
    match how:
        case "raise":
            raise Refused("Taken by someone else.", reason="taken")
        case "conflict":
            return Response("no", status_code=409, media_type="text/plain")
        case "template":
            return page(request, "t/page.html", number=1)  # `message` is not given: strict templates refuse
        case "deferred":
            await _write_deferred_violation(db)
    return redirect(request, "/t/form")


@post("/t/sign-in/{person_id:int}", opt=everyone())
async def sign_in(request: Request, db: Db, person_id: FromPath[int]) -> Response[Any]:
    user = await db.get_one(User, person_id)
    await auth.sign_in(request, db, user)
    return redirect(request, "/t/customer")


@post("/t/sign-out", opt=signed_in())
async def sign_out(request: Request, db: Db) -> Response[Any]:
    await auth.sign_out(request, db)
    return redirect(request, "/t/form")


@post("/t/nudge", opt=signed_in())
async def send_nudge(request: Request, me: NamedDependency[Me], db: Db) -> Response[Any]:
    sent = await parse_form(request)
    nudge(db, f"user:{me.id}", sent["topic"])
    if "fail" in sent:
        raise Refused("No.")
    return Response(b"", status_code=204)


@get("/t/wrong/{how:str}", opt=everyone(in_transaction=True))  # "locked" needs a transaction
async def raise_error(db: Db, how: FromPath[str]) -> str:
    match how:
        case "refused":
            raise Refused("Just taken.")
        case "taken":
            raise Refused("Just taken.", reason="taken", about="job")
        case "often":
            raise RateLimited("Wait a minute, then try again.", 60)
        case "missing":
            raise Missing()
        case "invalid":
            raise Invalid({"pincode": "Enter 6 digits."})
        case "broken":
            raise RuntimeError("card 4242424242424242")
        case "locked":
            await db.execute(text("SET LOCAL statement_timeout = '20ms'"))
            await db.execute(text("SELECT pg_sleep(1)"))
        case "number":
            await db.execute(text("SELECT CAST(:n AS bigint)"), {"n": 2**70})
        case "big":
            await db.execute(text("SELECT (9223372036854775807::bigint + 1)"))
        case "slow":
            await asyncio.sleep(0.2)
    return "fine"


@get("/t/text", opt=everyone())
async def store_text(request: Request, db: Db) -> str:
    query = request.query_params.get("message", "")
    return str((await db.execute(text("SELECT cast(:message as text)"), {"message": query})).scalar_one())


async def _write(db: AsyncSession, key: str) -> None:
    await db.execute(text("INSERT INTO attempts (key, first_at, wait_until) VALUES (:key, now(), now())"), {"key": key})


async def _write_deferred_violation(db: AsyncSession) -> None:
    """A transaction of the ledger whose sum is not zero: PostgreSQL notices at the commit."""
    await db.execute(text("CREATE TEMP TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"))
    await db.execute(text("INSERT INTO late VALUES (1), (1)"))


TEST_HANDLERS = [
    show_form,
    send_form,
    upload,
    show_page,
    cached_page,
    cached_form,
    forget_page,
    cached,
    for_customers,
    for_signed_in,
    restricted,
    transaction_starts,
    write,
    sign_in,
    sign_out,
    send_nudge,
    raise_error,
    store_text,
]
