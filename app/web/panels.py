"""Panels that a higher room adds to a lower room's page: declared by the higher room, listed in app.panels."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.web.context import Connection
from app.web.services import services_of


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of the page named `page`; the panels of a page are in ascending `order`.

    `load(db, record)` reads what `template` shows as `panel.data`; None leaves the piece out.
    """

    page: str
    order: int
    load: Callable[[AsyncSession, Any], Awaitable[Any]]
    template: str


@dataclass(frozen=True, slots=True)
class LoadedPanel:
    template: str
    data: Any


async def load_panels(request: Connection, db: AsyncSession, page: str, record: Any) -> list[LoadedPanel]:
    """Load the panels of `record` on this page; each is included as {% include panel.template %}."""
    loaded = []
    for panel in services_of(request).panels:
        if panel.page == page and (data := await panel.load(db, record)) is not None:
            loaded.append(LoadedPanel(panel.template, data))
    return loaded
