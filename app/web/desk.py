"""Pages of the admin's desk: as app.web.render.page, with the numbers that wait beside the rail's words."""

from typing import Any

from litestar import Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.web.render import page, wants_fragment
from app.web.visit import Connection


async def desk(
    request: Connection, db: AsyncSession, full: str, fragment: str | None = None, **context: Any
) -> Response[bytes]:
    """`full` with `rail_counts`, {address: how many wait}; for HTMX only the `fragment`, and nothing is counted."""
    if fragment is None or not wants_fragment(request):
        context["rail_counts"] = await request.app.state.waiting(db)
    return page(request, full, fragment, **context)
