"""Read table.tsv and programs.tsv: one row per method, address and case."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Row:
    """`at` names what stands in the address, `sends` is a form or a query, `expected` the answer for each person."""

    method: str
    route: str
    at: str
    sends: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.route, self.at)))

    def fields(self, words: dict[str, str]) -> dict[str, str]:
        return dict(parse_qsl(self.sends.format(**words), keep_blank_values=True))

    @property
    def who_may(self) -> str | None:
        """Somebody for whom it works."""
        return next((who for who, status in self.expected.items() if status in ("200", "303")), None)


def read_table(name: str) -> list[Row]:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    head, *lines = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    people = head[4:]
    return [Row(*line[:4], dict(zip(people, line[4:], strict=True))) for line in lines]


TABLE = read_table("table.tsv")
PROGRAMS = read_table("programs.tsv")  # what is for programs: asked with a token, and JSON
PEOPLE = list(TABLE[0].expected)
# What is read here is somebody's own affair, and that it was read is written down: all that a GET may write.
SEEN = {
    "/admin/bookings/{ref:str}/contact": {"bookings", "events"},
    "/admin/customers/{customer_id:int}": {"users", "events"},
    "/admin/exports/{ref:str}/file": {"exports", "events"},
    "/admin/professionals/{professional_id:int}": {"users", "events"},
    "/documents/{document_id:str}": {"documents", "events"},
    "/documents/{document_id:str}/preview": {"documents", "events"},
    "/earnings/exports/{ref:str}/file": {"exports", "events"},
}
