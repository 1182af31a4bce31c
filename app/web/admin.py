"""Render admin pages: as app.web.render.page, with the counts of the navigation."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.web.http import HtmlResponse, Request
from app.web.render import page, wants_fragment
from app.web.services import services_of


async def admin_page(
    request: Request, db: AsyncSession, full: str, fragment: str | None = None, **context: Any
) -> HtmlResponse:
    """`full` with `rail_counts`, {path: how many wait, at most "99+"}, and `worker_silent`; for HTMX the `fragment`."""
    if fragment is None or not wants_fragment(request):
        context["rail_counts"], context["worker_silent"] = await services_of(request).admin_counts(db)
    return page(request, full, fragment, **context)
