"""/profile/data and /profile/leaving: download own data, and delete the account (W16, W17)."""

from collections.abc import AsyncIterator
from typing import IO, Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Stream
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import auth
from app.accounts.auth import Me
from app.accounts.pages import check_sign_in_is_recent, transaction_factory
from app.accounts.schemas import Password
from app.accounts.session import Sessions
from app.accounts.sign_in import prove_password
from app.core import clock
from app.core.after_commit import AfterCommit
from app.core.db import Database
from app.core.errors import Invalid, RateLimited, Refused
from app.core.i18n import N_, _
from app.core.secrets import Passwords
from app.core.storage import Storage
from app.privacy.deletion import delete_account, preview_deletion
from app.privacy.own_data import build_archive
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect
from app.web.validation import validate_form

CHUNK_SIZE = 65_536  # bytes
Reviews = Annotated[str, Meta(pattern="^(yes)?$", extra={"error": N_("Choose an option.")})]


class DeletionForm(Struct, kw_only=True):
    """`reviews` is "yes" to erase the comments of reviews too."""

    current_password: Password = ""
    reviews: Reviews = ""


class OwnDataPages(Controller):
    """Reauthentication happens before the page, so that its link answers with the file and nothing else."""

    path = "/profile/data"
    opt = signed_in(fresh=True)

    @get(name="own_data")
    async def show(self, request: Request, me: NamedDependency[Me]) -> HtmlResponse:
        return page(request, "privacy/own_data.html", role=me.role)

    @get("/file", name="own_data_file", opt={"in_transaction": True})
    async def file(
        self, me: NamedDependency[Me], db: NamedDependency[AsyncSession], storage: NamedDependency[Storage]
    ) -> Stream:
        """Complete the file first, so that an error is a page and never half a file."""
        file = await build_archive(db, storage, me)
        name = f"doorstep-your-data-{clock.today().isoformat()}.zip"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Stream(_chunks(file), media_type="application/zip", headers=headers)


class AccountDeletionPages(Controller):
    path = "/profile/leaving"
    opt = signed_in()

    @get(name="leaving")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, me)

    @post()
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        database: NamedDependency[Database],
        after_commit: NamedDependency[AfterCommit],
        passwords: NamedDependency[Passwords],
        storage: NamedDependency[Storage],
    ) -> HtmlResponse:
        form = await parse_form(request)
        await check_sign_in_is_recent(db, me)

        async def delete() -> None:
            params = validate_form(DeletionForm, form)
            new_transaction = transaction_factory(database, after_commit)
            await prove_password(new_transaction, passwords, me, params.current_password)
            await delete_account(db, storage, Sessions(database), me, with_reviews=bool(params.reviews))
            await auth.sign_out(request, db)

        return await submit(
            request,
            delete,
            form=form,
            catch=(Invalid, Refused, RateLimited),
            on_error=lambda rejection: _render_rejected(request, database, me, rejection),
            message=_("Your account is deleted. Thank you for using Doorstep."),
            then=lambda _result: _signed_out(request),
        )


def _signed_out(request: Request) -> HtmlResponse:
    response = redirect(request, "/")
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


async def _render_rejected(request: Request, database: Database, me: Me, rejection: Rejection) -> HtmlResponse:
    """Render the current state in a new session: the request's own transaction is rolled back."""
    async with database.sessions() as db:
        return await _render(request, db, me, rejection)


async def _render(request: Request, db: AsyncSession, me: Me, rejection: Rejection | None = None) -> HtmlResponse:
    return page(
        request,
        "privacy/deletion.html",
        "privacy/_deletion.html",
        status=rejection.status if rejection else 200,
        headers=rejection.headers if rejection else {},
        preview=await preview_deletion(db, me),
        refusal=rejection.message if rejection and not rejection.errors else "",
        errors=rejection.errors if rejection else {},
        has_password=await check_sign_in_is_recent(db, me),
        selected=rejection is not None and rejection.values.get("reviews") == "yes",
    )


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk
