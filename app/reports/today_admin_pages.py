"""/admin: what needs an admin's attention today, the most urgent first."""

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.reports.report import Links
from app.reports.today_repository import load_admin_day
from app.web.admin import admin_page
from app.web.guards import only
from app.web.http import HtmlResponse, Request


class TodayAdminPages(Controller):
    path = "/admin"
    opt = only("admin")

    @get(name="admin-today")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        day = await load_admin_day(db)
        return await admin_page(
            request,
            db,
            "reports/today.html",
            "reports/_today.html",
            day=day,
            links=Links(day.period, {}),
            recent_links=Links(day.since, {}),
        )
