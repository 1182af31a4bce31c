"""/profile/data and /profile/leaving: taking one's data along, and going (W16, W17)."""

from collections.abc import AsyncIterator
from typing import IO, Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Stream
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.attempts import TooSoon
from app.accounts.auth import Me
from app.accounts.pages import apart_of
from app.accounts.schemas import Password
from app.accounts.session import Sessions
from app.accounts.sign_in import recognise
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.errors import Invalid, Refused
from app.core.i18n import N_, _
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.privacy.deletion import leave, outlook
from app.privacy.own_data import archive
from app.settings import Settings
from app.web.forms import form, read
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page
from app.web.security import client_address

CHUNK = 65_536  # bytes
Reviews = Annotated[str, Meta(pattern="^(yes)?$", extra={"error": N_("Please choose one.")})]


class Farewell(Struct, kw_only=True):
    """`reviews` yes: the words of reviews go too."""

    current_password: Password = ""
    reviews: Reviews = ""


class OwnDataPages(Controller):
    """The password is asked for on the way to the page, so that its link answers with the file and nothing else."""

    path = "/profile/data"
    opt = signed_in(fresh=True)

    @get(name="own_data")
    async def show(self, request: Request, me: NamedDependency[Me]) -> HtmlResponse:
        return page(request, "privacy/own_data.html", role=me.role)

    @get("/file", name="own_data_file")
    async def file(
        self, me: NamedDependency[Me], db: NamedDependency[AsyncSession], storage: NamedDependency[Storage]
    ) -> Stream:
        """Made whole first: an error is a page in words, never half a file."""
        made = await archive(db, storage, me)
        name = f"doorstep-your-data-{clock.today().isoformat()}.zip"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Stream(_parts(made), media_type="application/zip", headers=headers)


class LeavingPages(Controller):
    path = "/profile/leaving"
    opt = signed_in()

    @get(name="leaving")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw(request, db, me)

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        storage: NamedDependency[Storage],
        settings: NamedDependency[Settings],
    ) -> HtmlResponse:
        sent = await form(request)
        address = client_address(request, settings.trusted_proxies)
        try:
            told = read(Farewell, sent)
            if await recognise(apart_of(database, after), passwords, me.email, told.current_password, address) != me.id:
                raise Invalid({"current_password": _("This is not your present password.")})
            await leave(db, storage, Sessions(database), me, reviews_too=bool(told.reviews))
        except (Invalid, Refused, TooSoon) as error:
            return await _again(request, database, me, error, chosen=sent.get("reviews") == "yes")
        await auth.sign_out(request, db)
        flash(request, _("Your account is deleted. Thank you for having been with us."))
        answer = go(request, "/")
        answer.headers["clear-site-data"] = '"cache", "storage"'
        return answer


async def _again(
    request: Request, database: Database, me: Me, wrong: Invalid | Refused | TooSoon, *, chosen: bool
) -> HtmlResponse:
    """As things are without what was tried: the request's own transaction is undone."""
    async with database.sessions() as db:
        return await _draw(request, db, me, wrong, chosen=chosen)


async def _draw(
    request: Request,
    db: AsyncSession,
    me: Me,
    wrong: Invalid | Refused | TooSoon | None = None,
    *,
    chosen: bool = False,
) -> HtmlResponse:
    refusal = wrong.message if isinstance(wrong, Refused) else wrong.words() if isinstance(wrong, TooSoon) else ""
    return page(
        request,
        "privacy/deletion.html",
        "privacy/_deletion.html",
        status={Invalid: 422, Refused: 409, TooSoon: 429}.get(type(wrong), 200),
        headers={"retry-after": str(wrong.seconds)} if isinstance(wrong, TooSoon) else {},
        seen=await outlook(db, me),
        refusal=refusal,
        errors=wrong.errors if isinstance(wrong, Invalid) else {},
        chosen=chosen,
    )


async def _parts(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while part := file.read(CHUNK):
            yield part
