"""One service: who may come, when, what is included, what people say; and its slots alone."""

from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.catalog.repository import Services, Shown
from app.core.datetimes import clock_time, when
from app.discovery import invalidation as stale
from app.discovery.labels import language_of
from app.discovery.pages import main_pincode, seconds_kept, told
from app.discovery.service_view import START, Times, called, times
from app.discovery.slot_selection import Choice, read_choice
from app.reviews.repository import Reviews
from app.web.forms import query
from app.web.guards import everyone
from app.web.http import HtmlResponse, Request
from app.web.render import page, wants_fragment

FIRST_REVIEWS = 3
REVIEWS_A_PAGE = 20


class ServicePages(Controller):
    path = "/services/{slug:str}"
    opt = everyone()

    @get("/")
    async def show(
        self, request: Request, slug: FromPath[str], db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        return await self._answer(request, slug, db, me)

    @get("/slots")
    async def slots(
        self, request: Request, slug: FromPath[str], db: NamedDependency[AsyncSession], me: NamedDependency[Me | None]
    ) -> HtmlResponse:
        """The slots alone for HTMX, and the address says what was chosen; a plain browser gets the page around them."""
        return await self._answer(request, slug, db, me, fragment="discovery/_slots.html")

    @get("/reviews")
    async def reviews(self, request: Request, slug: FromPath[str], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        service = await Services(db).by_slug(slug)
        reviews = Reviews(db)
        return page(
            request,
            "discovery/reviews.html",
            keep_for=stale.WORDS_KEPT,
            under=(stale.REVIEWS, stale.CARDS),
            service=service,
            spread=await reviews.spread_of_service(service.id),
            reviews=await reviews.of_service(service.id, query(request).get("after"), REVIEWS_A_PAGE),
            language_of=language_of,
        )

    async def _answer(
        self, request: Request, slug: FromPath[str], db: AsyncSession, me: Me | None, fragment: str | None = None
    ) -> HtmlResponse:
        service = await Services(db).by_slug(slug)
        choice = await _choice(request, service, db, me)
        found = await times(db, service, choice)
        alone = fragment is not None and wants_fragment(request)
        said = {} if alone else await _said(db, service)
        return page(
            request,
            "discovery/service.html",
            fragment,
            status=422 if found.errors else 200,
            keep_for=seconds_kept(),
            under=(stale.TIMES, stale.CARDS, stale.REVIEWS, stale.PEOPLE),
            headers={"hx-replace-url": _address(service, choice)} if alone else None,
            service=service,
            choice=choice,
            times=found,
            strip=_strip(found),
            slots=[_parts(found, index) for index in range(len(found.days))],
            called=called,
            language_of=language_of,
            **said,
        )


async def _choice(request: Request, service: Shown, db: AsyncSession, me: Me | None) -> Choice:
    """A customer who names no pincode means home."""
    fields, unreadable = told(request)
    if not fields.get("pincode") and (home := await main_pincode(db, me)):
        fields["pincode"] = home
    return read_choice(fields, service, unreadable)


async def _said(db: AsyncSession, service: Shown) -> dict[str, Any]:
    reviews = Reviews(db)
    return {
        "spread": await reviews.spread_of_service(service.id),
        "reviews": await reviews.of_service(service.id, limit=FIRST_REVIEWS),
    }


def _strip(found: Times) -> list[dict[str, Any]]:
    return [{"date": one.day, "number": one.day.day, "free": bool(one.starts)} for one in found.days]


def _parts(found: Times, index: int) -> list[dict[str, Any]]:
    """The starts of one day, as the slots macro takes them."""
    return [
        {
            "part": part,
            "times": [
                {"value": start.strftime(START), "time": clock_time(start), "words": when(start)} for start in starts
            ],
        }
        for part, starts in found.parts(found.days[index])
    ]


def _address(service: Shown, choice: Choice) -> str:
    asked = {"pincode": choice.pincode, "professional": choice.professional_id or ""}
    return f"/services/{service.slug}?{urlencode({name: value for name, value in asked.items() if value})}"
