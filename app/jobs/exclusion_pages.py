"""POST /jobs/…/exclusion: a professional wants no more jobs of this customer, or wants them again (W41)."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.booking import Booking
from app.core.i18n import _
from app.jobs.exclusions import exclude_customer
from app.jobs.pages import find_job, render_job
from app.jobs.schemas import Switch
from app.web.actions import Rejection, submit
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_form


class ExclusionPages(Controller):
    path = "/jobs/{ref:str}/exclusion"
    opt = only("professional")

    @post(name="exclusion")
    async def create(
        self, request: Request, ref: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def exclude() -> tuple[Booking, bool]:
            on = validate_form(Switch, form).on == "yes"
            return await exclude_customer(db, me, ref, on=on), on

        async def render_error(rejection: Rejection) -> HtmlResponse:
            return await render_job(request, db, me, await find_job(db, me, ref), rejection=rejection)

        return await submit(
            request,
            exclude,
            form=form,
            on_error=render_error,
            message=lambda result: (
                _("You won't get this customer's jobs any more.")
                if result[1]
                else _("You can get this customer's jobs again.")
            ),
            then=lambda result: f"/jobs/{result[0].reference}",
        )
