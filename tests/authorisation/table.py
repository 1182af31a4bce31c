"""Read table.tsv and programs.tsv: one row per method, address and case."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Row:
    """`at` names the path parameters, `sends` is a form or a query, `expected` the response for each person."""

    method: str
    route: str
    at: str
    sends: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.route, self.at)))

    def fields(self, values: dict[str, str]) -> dict[str, str]:
        return dict(parse_qsl(self.sends.format(**values), keep_blank_values=True))

    @property
    def who_may(self) -> str | None:
        """A person for whom the request succeeds, if any."""
        return next((who for who, status in self.expected.items() if status in ("200", "303")), None)


def read_table(name: str) -> list[Row]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    head, *lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    people = head[4:]
    return [
        Row(method, route, at, sends, dict(zip(people, expected, strict=True)))
        for method, route, at, sends, *expected in lines
    ]


TABLE = read_table("table.tsv")
PROGRAMS = read_table("programs.tsv")  # API operations: called with a token and JSON
PEOPLE = list(TABLE[0].expected)
# Views of personal data are logged: the only writes of a GET, by route.
VIEWED_TABLES = {
    "/admin/bookings/{ref:str}/contact": {"bookings", "events"},
    "/admin/customers/{customer_id:int}": {"users", "events"},
    "/admin/exports/{ref:str}/file": {"exports", "events"},
    "/admin/payouts/{run_id:int}/file": {"payout_runs", "events"},
    "/admin/professionals/{professional_id:int}": {"users", "events"},
    "/bookings/{ref:str}/messages": {"booking_messages", "inbox_items"},
    "/documents/{document_id:str}": {"documents", "events"},
    "/documents/{document_id:str}/preview": {"documents", "events"},
    "/earnings/exports/{ref:str}/file": {"exports", "events"},
    "/jobs/{ref:str}/messages": {"booking_messages", "inbox_items"},
}
VIEWED_BY_PROGRAMS = {
    "/api/admin/payouts/{run_id:int}/file": {"payout_runs", "events"},
    "/api/bookings/{ref:str}/messages": {"booking_messages", "inbox_items"},
    "/api/customer/{customer_id:int}": {"users", "events"},
    "/api/professional/{professional_id:int}": {"users", "events"},
    "/api/exports/{export_id:int}/file": {"exports", "events"},
    "/api/jobs/{ref:str}/messages": {"booking_messages", "inbox_items"},
}
