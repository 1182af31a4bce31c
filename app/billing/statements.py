"""Statements as CSV files and PDF documents."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from app.billing.statement_repository import Statement, StatementLine
from app.bookings.labels import LEDGER_KINDS
from app.core import clock
from app.core.csv_cells import safe_cell
from app.core.errors import Missing
from app.core.i18n import _
from app.core.money import format_decimal

WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
YEARS = range(2020, 2100)
COLUMNS = ("price", "commission", "tip", "fee", "withheld", "tax", "net")
CSV_HEAD = ("time", "booking", "service", "kind", *COLUMNS, "payout", "payout_state", "payout_reference")


def parse_week(text: str) -> date:
    """The Monday of "2026-W48". Raises Missing for what is no week, and for one that has not begun."""
    match = WEEK.fullmatch(text)
    try:
        first = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        first = None
    if first is None or first.year not in YEARS or first > clock.today():
        raise Missing
    return first


def statement_csv(statement: Statement) -> str:
    """A line for each transaction between the opening and the closing balance; money in rupees."""
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow(CSV_HEAD)
    lines.writerow(_balance_cells("opening balance", statement.opening))
    for line in statement.lines:
        lines.writerow(_cells(line))
    lines.writerow(_balance_cells("closing balance", statement.closing))
    return file.getvalue()


def statement_data(statement: Statement, name: str) -> Mapping[str, Any]:
    """The data of the PDF document (templates/billing/statement.typ)."""
    return {
        "title": _("Statement"),
        "name": name,
        "week": statement.week,
        "period": f"{statement.first.isoformat()} – {statement.last.isoformat()}",
        "head": [
            *(_("Day"), _("For"), _("Price"), _("Commission"), _("Tip"), _("Fee"), _("Withheld"), _("Tax"), _("Net")),
            _("Payout"),
        ],
        "opening": [_("Opening balance"), signed(statement.opening)],
        "closing": [_("Closing balance"), signed(statement.closing)],
        "lines": [_document_line(line) for line in statement.lines],
        "foot": _("Doorstep, Chennai. Amounts in rupees."),
    }


def signed(paise: int) -> str:
    """Rupees with 2 decimals, and a minus sign where it is one."""
    return ("−" if paise < 0 else "") + format_decimal(abs(paise))


def _document_line(line: StatementLine) -> list[str]:
    what = " ".join(filter(None, (line.service or _(LEDGER_KINDS[line.kind]), line.reference)))
    payout = " ".join(filter(None, (signed(line.payout) if line.payout else "", line.payout_reference)))
    day = line.at.astimezone(clock.IST).date().isoformat()
    return [day, what, *(signed(getattr(line, column)) for column in COLUMNS), payout]


def _cells(line: StatementLine) -> list[str]:
    at = line.at.astimezone(clock.IST).replace(tzinfo=None).isoformat(" ", "seconds")
    texts = (line.reference or "", line.service or "", line.kind)
    amounts = (_plain(getattr(line, column)) for column in COLUMNS)
    payout = _plain(line.payout) if line.payout else ""
    return [
        at,
        *map(safe_cell, texts),
        *amounts,
        payout,
        line.payout_state or "",
        safe_cell(line.payout_reference or ""),
    ]


def _balance_cells(kind: str, amount: int) -> list[str]:
    return ["", "", "", kind, *[""] * (len(COLUMNS) - 1), _plain(amount), "", "", ""]


def _plain(paise: int) -> str:
    """A number, with a hyphen where it is negative: spreadsheets read it as one."""
    return ("-" if paise < 0 else "") + format_decimal(abs(paise))
