"""/admin: where an admin's day begins; what waits, the most pressing first."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.reports.reports import Links
from app.reports.repository import day_of_admin
from app.web.admin import desk
from app.web.guards import only
from app.web.http import HtmlResponse, Request


class TodayPages(Controller):
    path = "/admin"
    opt = only("admin")

    @get(name="desk-today")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        day = await day_of_admin(db)
        return await desk(
            request,
            db,
            "reports/today.html",
            "reports/_today.html",
            day=day,
            links=Links(day.period, {}),
            lately=Links(day.since, {}),
        )
