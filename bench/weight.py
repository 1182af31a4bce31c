"""Bytes and requests of a first visit and of a later page, everything that the page names included, as sent (br)."""

import argparse
import asyncio
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from app.core.db import Database
from bench.load import fetch, request
from bench.pages import COOKIE
from bench.processes import Process, web
from bench.servers import BenchServers, temporary_servers
from bench.tables import show
from bench.town import ADYAR, Town, build, sign_in

HEAD = ("page", "first visit, kB", "requests", "later page, kB", "of it head, kB", "HTML unpacked, kB", "target")
TARGET = "≤ 50 kB in ≤ 6 requests, then ≤ 15 kB"
URL = re.compile(rb"url\(\s*['\"]?([^'\")]+)")


class Named(HTMLParser):
    """The files that a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "link" and (told.get("rel") or "") not in ("canonical", "prefetch", "alternate"):
            self._note(told.get("href"))
        elif tag in ("script", "img", "source"):
            self._note(told.get("src"))
        elif tag == "use":
            self._note(told.get("href") or told.get("xlink:href"))

    def _note(self, address: str | None) -> None:
        file = (address or "").partition("#")[0]
        if file and not file.startswith("data:"):
            self.files[file] = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--files", action="store_true", help="name every file and its bytes too")


def run(args: argparse.Namespace) -> None:
    with temporary_servers() as servers:
        town = build(servers, professionals=300, bookings=5_000)
        with web(servers) as process:
            rows, files = asyncio.run(_weigh(servers, process, town))
    show("Weight of pages on the wire, heads included", HEAD, rows)
    if args.files:
        show("What a first visit loads beside the page", ("file", "kB"), sorted(files.items()))


async def _weigh(servers: BenchServers, process: Process, town: Town) -> tuple[list[tuple[Any, ...]], dict[str, float]]:
    database = Database(servers.app)
    customer = COOKIE + await sign_in(database, town.customer)
    professional = COOKIE + await sign_in(database, town.professional)
    await database.close()
    pages = (
        ("home", "/", ""),
        ("results", f"/services?q=leak&pincode={ADYAR}", ""),
        ("service", f"/services/{town.service}?pincode={ADYAR}", ""),
        ("booking", f"/bookings/{town.reference}", customer),
        ("jobs", "/jobs", professional),
    )
    rows, seen = [], dict[str, float]()
    for name, path, cookie in pages:
        head, body = await fetch(process.port, request(path, cookie))
        text = await _plain(process.port, path, cookie)
        files = await _files(process.port, text, cookie)
        seen |= files
        later = len(head) + len(body)
        first = later / 1000 + sum(files.values())
        rows.append((name, first, 1 + len(files), later / 1000, len(head) / 1000, len(text) / 1000, TARGET))
    return rows, seen


async def _plain(port: int, path: str, cookie: str) -> bytes:
    _, body = await fetch(port, _unpacked(request(path, cookie)))
    return body


async def _files(port: int, html: bytes, cookie: str) -> dict[str, float]:
    """kB of each file that the page names, and of those that its styles name."""
    named = Named()
    named.feed(html.decode())
    sizes: dict[str, float] = {}
    wanted = list(named.files)
    while wanted:
        address = wanted.pop()
        if address in sizes:
            continue
        head, body = await fetch(port, request(address, cookie))
        sizes[address] = (len(head) + len(body)) / 1000
        if address.endswith(".css"):
            _, css = await fetch(port, _unpacked(request(address)))
            wanted += _from_styles(css)
    return sizes


def _from_styles(css: bytes) -> Iterable[str]:
    return [found.decode() for found in URL.findall(css) if not found.startswith((b"data:", b"#"))]


def _unpacked(asked: bytes) -> bytes:
    return asked.replace(b"Accept-Encoding: gzip, deflate, br", b"Accept-Encoding: identity")
