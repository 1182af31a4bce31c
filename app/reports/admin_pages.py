"""/admin/reports: the report of a period, and its list of unmet searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.contact_fields import typed_pincode
from app.core.addresses import format_area
from app.core.datetimes import format_date_pattern
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import parse_row_id
from app.reports import charts
from app.reports.period import Period, parse_period, recent_months
from app.reports.report import Report, build_report
from app.reports.repository import ReportFilters, ReportQueries
from app.web.admin import admin_page
from app.web.forms import parse_query
from app.web.guards import only
from app.web.http import HtmlResponse, Request

PATH = "/admin/reports"
MAX_PROFESSIONALS_LISTED = 200  # more are found by typing a name
MAX_NAME_MATCHES = 8
MAX_UNMET_ROWS = 500
MIN_MONEY_STEP_PAISE = 10_000  # of the chart's scale


@dataclass(frozen=True, slots=True)
class FilterForm:
    """The filter form: its choices and values, and the professionals that a typed name matches."""

    periods: Sequence[tuple[str, str]]
    categories: Sequence[tuple[str, str]]
    areas: Sequence[tuple[str, str]]
    professionals: Sequence[tuple[str, str]] | None
    values: dict[str, str]
    matches: Sequence[tuple[str, str]] = ()


class ReportAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-reports")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        fields = parse_query(request)
        form, filters = await _filters(db, fields)
        context: dict[str, Any] = {"filters": form, "report_url": _report_url(form.values)}
        try:
            days = parse_period(fields.get("period", ""), fields.get("from", ""), fields.get("to", ""))
        except Invalid as error:
            response = await _render_report(request, db, **context, report=None, errors=error.errors)
            response.status_code = 422
            return response
        report = await build_report(db, days, filters, _list_filters(form.values))
        return await _render_report(request, db, **context, report=report, errors={}, **_charts_context(report))

    @get("/unmet", name="admin-unmet")
    async def unmet(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """List the unmet searches behind the report's queries."""
        fields = parse_query(request)
        form, filters = await _filters(db, fields)
        try:
            days = parse_period("days", fields.get("from", ""), fields.get("to", ""))
        except Invalid:
            days = parse_period("")
        queries = ReportQueries(db)
        return await admin_page(
            request,
            db,
            "reports/unmet_searches.html",
            period=days,
            rows=await queries.unmet_by_day(days.first, days.last, filters, MAX_UNMET_ROWS),
            max_rows=MAX_UNMET_ROWS,
            total=await queries.unmet_total(days.first, days.last, filters),
            back_url=_back_url(days, form.values),
        )


async def _render_report(request: Request, db: AsyncSession, **context: Any) -> HtmlResponse:
    return await admin_page(request, db, "reports/reports.html", "reports/_report.html", **context)


def _charts_context(report: Report) -> dict[str, Any]:
    """Scales, segments and points of both charts."""
    counts = charts.scale(max((step.totals.bookings for step in report.steps), default=0))
    stacks = [
        [("completed", step.totals.completed), ("open", step.totals.open), ("cancelled", step.totals.cancelled)]
        for step in report.steps
    ]
    money = [step.totals.commission for step in report.steps]
    rupees = charts.scale(max(money, default=0), MIN_MONEY_STEP_PAISE)
    best = max(report.steps, key=lambda step: step.totals.commission)
    return {
        "count_scale": counts,
        "boxes": charts.bars(stacks, counts),
        "money_scale": rupees,
        "points": charts.points(money, rupees),
        "best": best if best.totals.commission > 0 else None,
        "labels": _axis_labels(report),
    }


def _axis_labels(report: Report) -> list[tuple[float, str, str]]:
    """Labels below a chart, (x in per cent, anchor, text): the first, the middle and the last."""
    steps, pattern = report.steps, {"month": "MMM y", "year": "y"}.get(report.period.step, "d MMM")
    texts = [format_date_pattern(step.first, pattern) for step in steps]
    labels = [(charts.LEFT, "start", texts[0])]
    if len(steps) > 4:
        middle = (len(steps) - 1) // 2
        labels.append((charts.middle_of(middle, len(steps)), "middle", texts[middle]))
    return [*labels, (charts.RIGHT, "end", texts[-1])] if len(steps) > 1 else labels


async def _filters(db: AsyncSession, fields: dict[str, str]) -> tuple[FilterForm, ReportFilters]:
    queries = ReportQueries(db)
    categories, areas = await queries.categories(), await queries.areas()
    professionals = await queries.professionals_up_to(MAX_PROFESSIONALS_LISTED)
    values = {name: fields.get(name, "") for name in ("period", "from", "to", "category", "pincode")}
    professional_id, matches = await _find_professional(queries, fields)
    values["professional"] = str(professional_id) if professional_id else ""
    professional = await queries.professional(professional_id) if professional_id and professionals is None else None
    values["who"] = professional.full_name if professional else fields.get("who", "")
    category = next((row.id for row in categories if row.slug == values["category"]), None)
    typed = typed_pincode(values["pincode"])
    pincode = next((row.pincode for row in areas if row.pincode == typed), None)
    values["category"], values["pincode"] = values["category"] if category else "", pincode or ""
    form = FilterForm(
        periods=_period_choices(values),
        categories=[("", _("All %(n)s", n=len(categories))), *((row.slug, row.name) for row in categories)],
        areas=[("", _("All areas")), *((row.pincode, format_area(row.place, row.pincode)) for row in areas)],
        professionals=None
        if professionals is None
        else [("", _("All %(n)s", n=len(professionals))), *((str(row.id), row.full_name) for row in professionals)],
        values=values,
        matches=[(_report_url({**values, "who": "", "professional": str(row.id)}), row.full_name) for row in matches],
    )
    return form, ReportFilters(category, pincode, professional_id)


async def _find_professional(queries: ReportQueries, fields: dict[str, str]) -> tuple[int | None, Sequence[Any]]:
    """Find the selected professional, or those whose names match the typed one."""
    selected_id = parse_row_id(fields.get("professional", ""))
    person = await queries.professional(selected_id) if selected_id else None
    typed = fields.get("who", "").strip()
    if not typed or (person and person.full_name == typed):
        return (selected_id if person else None), ()
    matches = await queries.professionals_named(typed, MAX_NAME_MATCHES)
    return (matches[0].id, ()) if len(matches) == 1 else (None, matches)


def _period_choices(values: dict[str, str]) -> list[tuple[str, str]]:
    weeks = [("week", _("This week")), *((n, _("Last %(n)s weeks", n=n)) for n in ("4", "12", "52"))]
    months = recent_months()
    month_choices = [(f"{first:%Y-%m}", format_date_pattern(first, "MMMM y")) for first in months]
    if not values["period"] and (values["from"] or values["to"]):
        values["period"] = "days"
    choices = [*weeks, ("days", _("Custom dates")), *month_choices]
    if values["period"] not in dict(choices):
        period = parse_period(values["period"])
        values["period"] = period.name
        if period.name not in dict(choices):
            choices.append((period.name, format_date_pattern(period.first, "MMMM y")))
    return choices


def _list_filters(values: dict[str, str]) -> dict[str, str]:
    return {name: values[name] for name in ("category", "pincode", "professional")}


def _report_url(values: dict[str, str]) -> str:
    """The URL of the report with these filters."""
    params = {name: value for name, value in values.items() if name != "who"}
    if params["period"] != "days":
        params["from"] = params["to"] = ""
    return _url(params)


def _back_url(days: Period, values: dict[str, str]) -> str:
    params = {**_list_filters(values), "period": "days", "from": days.first.isoformat(), "to": days.last.isoformat()}
    return _url(params)


def _url(params: dict[str, str]) -> str:
    return f"{PATH}?{urlencode({name: value for name, value in params.items() if value})}"
