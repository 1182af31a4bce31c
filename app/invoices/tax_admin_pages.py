"""/admin/tax: GST on or off, with its dated rates. What is issued already never changes."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from litestar import Controller, get, post
from litestar.di import NamedDependency
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.catalog.repository import CatalogueRepository
from app.core import clock
from app.core.datetimes import YEARS, parse_day
from app.core.errors import Invalid
from app.core.i18n import N_, _
from app.core.typed_text import plain_line
from app.core.validation import FieldError, collect
from app.invoices.admin_repository import TaxRateTable
from app.payments.tax import COMMISSION_SAC, DEFAULT_SAC, FORMS, SUPPLIES
from app.payments.tax_repository import add_tax_rate
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.validation import validate_form

PATH = "/admin/tax"
SUPPLY_LABELS = {
    "service": N_("Services"),
    "commission": N_("Doorstep's commission"),
    "collected": N_("Tax collected at source"),
    "withheld": N_("Tax withheld"),
}
FROM_PROFESSIONALS = ("collected", "withheld")  # under section 52, whatever the form says
FORM_LABELS = {
    "off": N_("No tax"),
    "9(5)": N_("Section 9(5): Doorstep is the supplier"),
    "52": N_("Section 52: the professional is the supplier"),
}
SAC_LENGTH = 6
MAX_RATE = 40_00  # basis points
MAX_TYPED_LENGTH = 20


class TaxForm(Struct, kw_only=True):
    supply: str = "service"
    category: str = ""
    valid_from: str = ""
    form: str = "9(5)"
    rate: str = ""
    sac: str = ""


class TaxAdminPages(Controller):
    path = PATH
    opt = only("admin", right="money")

    @get(name="admin-tax")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        values = {"valid_from": clock.today().isoformat(), "form": "9(5)", "rate": "18", "sac": DEFAULT_SAC}
        return await _render(request, db, values)

    @post(opt=only("admin", fresh=True, right="money"))
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def add() -> None:
            await _add(db, me, validate_form(TaxForm, form))

        return await submit(
            request,
            add,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render(request, db, rejection.values, rejection),
            then=PATH,
            message=_("Saved. It counts for jobs that end from that day on."),
        )


async def _add(db: AsyncSession, me: Me, typed: TaxForm) -> None:
    """Add the rate as typed; Invalid for a day that has passed, an unknown category or form, a rate above 40 %."""
    categories = {str(category.id) for category in await CatalogueRepository(db).categories()}
    is_service, from_professional = typed.supply == "service", typed.supply in FROM_PROFESSIONALS
    fields = collect(
        {
            "supply": lambda: _chosen(typed.supply, SUPPLIES),
            "category": lambda: _chosen(typed.category if is_service else "", {"", *categories}),
            "form": lambda: _chosen(typed.form, FORMS),
            "rate": lambda: _basis_points(typed.rate) if typed.form != "off" else 0,
            "sac": lambda: _sac(typed.sac or (DEFAULT_SAC if is_service else COMMISSION_SAC)),
        }
    )
    day = parse_day(typed.valid_from, YEARS)
    if day is None or day < clock.today():
        raise Invalid({"valid_from": _("Choose today or a later day.")})
    category_id = int(str(fields["category"])) if fields["category"] else None
    await add_tax_rate(
        db,
        me,
        str(fields["supply"]),
        category_id,
        day,
        "52" if from_professional and fields["form"] != "off" else str(fields["form"]),
        int(str(fields["rate"])),
        str(fields["sac"]),
    )


def _chosen(typed: str, choices: object) -> str:
    if typed not in choices:  # type: ignore[operator]  # a tuple or a set
        raise FieldError(_("Choose an option."))
    return typed


def _basis_points(typed: str) -> int:
    try:
        rate = Decimal(plain_line(typed[:MAX_TYPED_LENGTH]).removesuffix("%").strip()) * 100
    except InvalidOperation as error:
        raise FieldError(_("Enter a rate in percent, such as 18.")) from error
    if not rate.is_finite() or not 0 < rate <= MAX_RATE or rate % 2:
        raise FieldError(_("Enter a rate of up to 40 %, such as 18."))
    return int(rate)


def _sac(typed: str) -> str:
    sac = plain_line(typed)
    if len(sac) != SAC_LENGTH or not sac.isdigit():
        raise FieldError(_("A SAC has 6 digits, such as 998719."))
    return sac


async def _render(
    request: Request, db: AsyncSession, values: Mapping[str, str], rejection: Rejection | None = None
) -> HtmlResponse:
    categories = await CatalogueRepository(db).categories()
    return await admin_page(
        request,
        db,
        "invoices/tax.html",
        status=rejection.status if rejection else 200,
        values=values,
        errors=rejection.errors if rejection else {},
        rates=await TaxRateTable(db).all(),
        supplies={name: _(label) for name, label in SUPPLY_LABELS.items()},
        forms={name: _(label) for name, label in FORM_LABELS.items()},
        categories=[(str(category.id), category.name) for category in categories],
    )
