"""/admin/coupons: what there are, what they cost, a new one, and the end of one (W37)."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import clock
from app.core.i18n import _
from app.promotions.coupon import Coupon
from app.promotions.coupons import create_coupon, end_coupon, read_terms
from app.promotions.labels import COUPON_STATES
from app.promotions.repository import Coupons
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_with

PATH = "/admin/coupons"
FIELDS = ("code", "kind", "value", "cap", "from", "until", "per_person", "total", "first_visit")


class CouponAdminPages(Controller):
    path = PATH
    opt = only("admin", right="money")

    @get(name="admin-coupons")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_list(request, db)

    @get("/new", name="admin-coupon-new")
    async def new(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_form(request, db)

    @post("/new", opt=only("admin", fresh=True, right="money"))
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def create() -> Coupon:
            return await create_coupon(db, me, validate_with(read_terms, form))

        return await submit(
            request,
            create,
            form=form,
            on_error=lambda rejection: _render_form(request, db, rejection),
            then=PATH,
            message=lambda coupon: _("Coupon %(code)s added.", code=coupon.code),
        )

    @post("/{code:str}/end", name="admin-coupon-end", opt=only("admin", fresh=True, right="money"))
    async def end(
        self, request: Request, code: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        return await submit(
            request,
            lambda: end_coupon(db, me, code),
            on_error=lambda rejection: _render_list(request, db, rejection),
            then=PATH,
            message=lambda coupon: _("Coupon %(code)s ended.", code=coupon.code),
        )


async def _render_list(request: Request, db: AsyncSession, rejection: Rejection | None = None) -> HtmlResponse:
    coupons = await Coupons(db).listed()
    today = clock.today()
    return await admin_page(
        request,
        db,
        "promotions/coupons.html",
        status=rejection.status if rejection else 200,
        coupons=coupons,
        states={coupon.id: coupon.state(today) for coupon in coupons},
        labels={state: _(label) for state, label in COUPON_STATES.items()},
        costs=await Coupons(db).cost_of([coupon.id for coupon in coupons]),
        refusal=rejection.refusal if rejection else None,
    )


async def _render_form(request: Request, db: AsyncSession, rejection: Rejection | None = None) -> HtmlResponse:
    values = dict.fromkeys(FIELDS, "") | {"kind": "amount", "per_person": "1", "from": clock.today().isoformat()}
    return await admin_page(
        request,
        db,
        "promotions/coupon_form.html",
        status=rejection.status if rejection else 200,
        values=values | (rejection.values if rejection else {}),
        errors=rejection.errors if rejection else {},
    )
