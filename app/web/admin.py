"""Pages of the admin's desk: as app.web.render.page, with the numbers that wait, and a word when no worker works."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.web.context import Connection
from app.web.http import HtmlResponse
from app.web.render import page, wants_fragment


async def desk(
    request: Connection, db: AsyncSession, full: str, fragment: str | None = None, **context: Any
) -> HtmlResponse:
    """`full` with `rail_counts`, {address: how many wait}, and `worker_silent`; for HTMX the `fragment` alone."""
    if fragment is None or not wants_fragment(request):
        context["rail_counts"], context["worker_silent"] = await request.app.state.waiting(db)
    return page(request, full, fragment, **context)
