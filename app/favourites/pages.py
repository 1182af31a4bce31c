"""/favourites, and what a customer chooses about one professional: a favourite, or no more bookings (W41)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core.errors import Missing
from app.core.i18n import _
from app.favourites.favourites import ROW_IDS, set_favourite
from app.favourites.repository import Favourites
from app.jobs.exclusions import exclude_professional
from app.jobs.schemas import Switch
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.render import flash, page, redirect, return_to
from app.web.validation import validate_form


class FavouritePages(Controller):
    path = "/favourites"
    opt = only("customer")

    @get(name="favourites")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        favourites = Favourites(db, me)
        return page(
            request,
            "favourites/index.html",
            favourites=await favourites.all(),
            excluded=await favourites.excluded(),
        )


class ChoicePages(Controller):
    """A refused form answers with the error page: each is one button, and has nothing to fill in."""

    path = "/professionals/{person_id:int}"
    opt = only("customer")

    @post("/favourite", name="favourite")
    async def favour(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        on = validate_form(Switch, await parse_form(request)).on == "yes"
        await set_favourite(db, me, person_id, on=on)
        flash(request, _("Added to your favourites.") if on else _("Removed from your favourites."))
        return redirect(request, return_to(request, "/favourites"))

    @post("/exclusion", name="exclude professional")
    async def exclude(
        self, request: Request, person_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        on = validate_form(Switch, await parse_form(request)).on == "yes"
        if person_id not in ROW_IDS:
            raise Missing
        await exclude_professional(db, me, person_id, on=on)
        flash(
            request,
            _("You won't be offered this professional any more.") if on else _("You can book this professional again."),
        )
        return redirect(request, return_to(request, "/favourites"))
