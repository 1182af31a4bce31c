"""/admin/reports: the numbers of a period, and the searches of it that met nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.datetimes import written
from app.core.errors import Invalid
from app.core.i18n import _
from app.core.references import row_number
from app.reports import charts
from app.reports.period import Period, months, period
from app.reports.queries import Chosen, Numbers
from app.reports.reports import Report, report
from app.web.admin import desk
from app.web.context import Connection
from app.web.forms import query
from app.web.guards import only
from app.web.http import HtmlResponse, Request

PATH = "/admin/reports"
LISTED = 200  # professionals that a field to choose from offers; where there are more, one types a name
FOUND = 8
ROWS = 500  # of the list of unmet searches
RUPEES = 10_000  # the least step of a scale of money: ₹100


@dataclass(frozen=True, slots=True)
class Filters:
    """The form: its choices, what is chosen, and whom the typed name may mean."""

    periods: Sequence[tuple[str, str]]
    categories: Sequence[tuple[str, str]]
    areas: Sequence[tuple[str, str]]
    crew: Sequence[tuple[str, str]] | None
    values: dict[str, str]
    found: Sequence[tuple[str, str]] = ()


class ReportDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-reports")
    async def show(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        said = query(request)
        filters, chosen = await _filters(db, said)
        context: dict[str, Any] = {"filters": filters, "here": _here(filters.values)}
        try:
            days = period(said.get("period", ""), said.get("from", ""), said.get("to", ""))
        except Invalid as error:
            answer = await _draw(request, db, **context, report=None, errors=error.errors)
            answer.status_code = 422
            return answer
        told = await report(db, days, chosen, _of_lists(filters.values))
        return await _draw(request, db, **context, report=told, errors={}, **_charts(told))

    @get("/unmet", name="desk-unmet")
    async def unmet(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        """The list behind the numbers of unmet searches."""
        said = query(request)
        filters, chosen = await _filters(db, said)
        try:
            days = period("days", said.get("from", ""), said.get("to", ""))
        except Invalid:
            days = period("")
        numbers = Numbers(db)
        return await desk(
            request,
            db,
            "reports/unmet_searches.html",
            period=days,
            rows=await numbers.unmet_by_day(days.first, days.last, chosen, ROWS),
            most=ROWS,
            total=await numbers.unmet_in_all(days.first, days.last, chosen),
            back=_back(days, filters.values),
        )


async def _draw(request: Connection, db: AsyncSession, **context: Any) -> HtmlResponse:
    return await desk(request, db, "reports/reports.html", "reports/_report.html", **context)


def _charts(told: Report) -> dict[str, Any]:
    """What the two charts stand on."""
    counts = charts.scale(max((step.sums.bookings for step in told.steps), default=0))
    stacks = [
        [("completed", one.sums.completed), ("open", one.sums.open), ("cancelled", one.sums.cancelled)]
        for one in told.steps
    ]
    money = [step.sums.commission for step in told.steps]
    rupees = charts.scale(max(money, default=0), RUPEES)
    best = max(told.steps, key=lambda step: step.sums.commission)
    return {
        "count_scale": counts,
        "boxes": charts.bars(stacks, counts),
        "money_scale": rupees,
        "points": charts.points(money, rupees),
        "best": best if best.sums.commission > 0 else None,
        "labels": _labels(told),
    }


def _labels(told: Report) -> list[tuple[float, str, str]]:
    """(x in per cent, anchor, words) below a chart: the first, the middle one and the last."""
    steps, pattern = told.steps, {"month": "MMM y", "year": "y"}.get(told.period.step, "d MMM")
    words = [written(step.first, pattern) for step in steps]
    found = [(charts.LEFT, "start", words[0])]
    if len(steps) > 4:
        place = (len(steps) - 1) // 2
        found.append((charts.middle_of(place, len(steps)), "middle", words[place]))
    return [*found, (charts.RIGHT, "end", words[-1])] if len(steps) > 1 else found


async def _filters(db: AsyncSession, said: dict[str, str]) -> tuple[Filters, Chosen]:
    numbers = Numbers(db)
    categories, areas = await numbers.categories(), await numbers.areas()
    crew = await numbers.crew(LISTED)
    values = {name: said.get(name, "") for name in ("period", "from", "to", "category", "pincode")}
    number, found = await _whom(numbers, said)
    values["professional"] = str(number) if number else ""
    one = await numbers.professional(number) if number and crew is None else None
    values["who"] = one.full_name if one else said.get("who", "")
    category = next((row.id for row in categories if row.slug == values["category"]), None)
    pincode = next((row.pincode for row in areas if row.pincode == values["pincode"]), None)
    values["category"], values["pincode"] = values["category"] if category else "", pincode or ""
    form = Filters(
        periods=_periods(values),
        categories=[("", _("All %(n)s", n=len(categories))), *((row.slug, row.name) for row in categories)],
        areas=[("", _("All areas")), *((row.pincode, f"{row.place}, {row.pincode}") for row in areas)],
        crew=None
        if crew is None
        else [("", _("All %(n)s", n=len(crew))), *((str(row.id), row.full_name) for row in crew)],
        values=values,
        found=[(_here({**values, "who": "", "professional": str(row.id)}), row.full_name) for row in found],
    )
    return form, Chosen(category, pincode, number)


async def _whom(numbers: Numbers, said: dict[str, str]) -> tuple[int | None, Sequence[Any]]:
    """The professional who is meant, or those whom the typed name may mean."""
    known = row_number(said.get("professional", ""))
    person = await numbers.professional(known) if known else None
    typed = said.get("who", "").strip()
    if not typed or (person and person.full_name == typed):
        return (known if person else None), ()
    found = await numbers.named(typed, FOUND)
    return (found[0].id, ()) if len(found) == 1 else (None, found)


def _periods(values: dict[str, str]) -> list[tuple[str, str]]:
    weeks = [("week", _("This week")), *((n, _("Last %(n)s weeks", n=n)) for n in ("4", "12", "52"))]
    known = months()
    named = [(f"{first:%Y-%m}", written(first, "MMMM y")) for first in known]
    if not values["period"] and (values["from"] or values["to"]):
        values["period"] = "days"
    choices = [*weeks, ("days", _("Between two days")), *named]
    if values["period"] not in dict(choices):
        chosen = period(values["period"])
        values["period"] = chosen.name
        if chosen.name not in dict(choices):
            choices.append((chosen.name, written(chosen.first, "MMMM y")))
    return choices


def _of_lists(values: dict[str, str]) -> dict[str, str]:
    return {name: values[name] for name in ("category", "pincode", "professional")}


def _here(values: dict[str, str]) -> str:
    """The report with these filters."""
    told = {name: value for name, value in values.items() if name != "who"}
    if told["period"] != "days":
        told["from"] = told["to"] = ""
    return _address(told)


def _back(days: Period, values: dict[str, str]) -> str:
    told = {**_of_lists(values), "period": "days", "from": days.first.isoformat(), "to": days.last.isoformat()}
    return _address(told)


def _address(told: dict[str, str]) -> str:
    return f"{PATH}?{urlencode({name: value for name, value in told.items() if value})}"
