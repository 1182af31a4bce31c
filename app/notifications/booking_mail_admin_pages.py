"""/admin/bookings/…/mails: the emails about a booking, each with a button that sends it again."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.bookings.repository import Bookings
from app.core.i18n import _
from app.notifications.booking_mail_repository import booking_mails, resend_mail
from app.notifications.kinds import kind_of
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.guards import only
from app.web.http import HtmlResponse, Request


class BookingMailAdminPages(Controller):
    path = "/admin/bookings/{ref:str}/mails"
    opt = only("admin")

    @get(name="admin-booking-mails")
    async def index(self, request: Request, ref: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render(request, db, ref)

    @post("/{mail_id:int}/resend", name="admin-resend-mail")
    async def resend(
        self,
        request: Request,
        ref: FromPath[str],
        mail_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
    ) -> HtmlResponse:
        return await submit(
            request,
            lambda: resend_mail(db, me, ref, mail_id),
            on_error=lambda rejection: _render(request, db, ref, rejection),
            then=lambda booking: f"/admin/bookings/{booking.reference}/mails",
            message=_("The email is sent again."),
        )


async def _render(request: Request, db: AsyncSession, ref: str, rejection: Rejection | None = None) -> HtmlResponse:
    booking = await Bookings(db).by_reference(ref)
    mails = [
        (mail, _(message, service=booking.service_name) if (message := kind_of(mail.kind).message) else mail.kind)
        for mail in await booking_mails(db, booking)
    ]
    response = await admin_page(
        request,
        db,
        "notifications/booking_mails.html",
        booking=booking,
        mails=mails,
        problem=rejection.message if rejection else "",
    )
    response.status_code = rejection.status if rejection else 200
    return response
