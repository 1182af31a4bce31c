"""Check free starts against all rows and against real bookings: what is shown can be booked, what is hidden cannot.

Each sample is a service in a pincode, in turn with anyone and with one professional. The starts that the API shows are
compared with those that a search without any index or batch finds, travel included; then shown and hidden starts are
posted as bookings, in random order, against what the API shows at that moment.
"""

import argparse
import asyncio
import math
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import asyncpg

from app.accounts.session import SessionKind
from app.core import clock
from app.core.db import Database
from app.main import create_app
from app.settings import Settings
from bench.in_process import InProcessClient
from bench.processes import settings
from bench.servers import UNREACHABLE_REDIS_URL, BenchServers, temporary_servers
from bench.tables import print_table
from bench.town import build, sign_in

COLUMNS = ("professionals", "samples", "candidates", "starts compared", "booked", "refused", "mistakes")
BOOKINGS_PER_PROFESSIONAL = 24
EARTH_RADIUS_KM, ROAD_FACTOR, SPEED_KMH, BETWEEN_JOBS_MINUTES = 6371.0088, 1.3, 18, 10
SAMPLES = """
    SELECT o.service_id, c.pincode, s.minutes, s.notice_minutes, o.professional_id
      FROM offered_services o JOIN coverage c USING (professional_id) JOIN services s ON s.id = o.service_id
     WHERE s.retired_at IS NULL ORDER BY random() LIMIT $1
"""
PEOPLE = """
    SELECT o.professional_id, array_agg(ARRAY[w.weekday, w.opens, w.closes]) AS hours
      FROM offered_services o JOIN coverage c USING (professional_id) JOIN working_hours w USING (professional_id)
     WHERE o.service_id = $1 AND c.pincode = $2 AND ($3::bigint IS NULL OR o.professional_id = $3)
     GROUP BY o.professional_id
"""
RESERVATIONS = """
    SELECT r.professional_id, lower(r.span) AS starts, upper(r.span) - interval '10 minutes' AS ends,
           p.pincode, p.latitude, p.longitude
      FROM reservations r JOIN pincodes p USING (pincode) WHERE professional_id = ANY($1::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Sample:
    service_id: int
    pincode: str
    minutes: int
    notice_minutes: int
    professional_id: int | None


@dataclass(slots=True)
class CheckResult:
    size: int
    samples: int = 0
    candidates: int = 0
    compared: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="300,12000", help="professionals of each town")
    parser.add_argument("--samples", type=int, default=20, help="services in a pincode, of each town")
    parser.add_argument(
        "--posts", type=int, default=20, help="bookings posted for each sample, half of them hidden starts"
    )
    parser.add_argument("--seed", type=int, default=1)


def run(args: argparse.Namespace) -> None:
    results = []
    for size in map(int, args.sizes.split(",")):
        with temporary_servers() as servers:
            build(servers, professionals=size, bookings=size * BOOKINGS_PER_PROFESSIONAL)
            results.append(asyncio.run(_check_town(servers, size, args.samples, args.posts, args.seed)))
    rows = [
        (
            result.size,
            result.samples,
            result.candidates,
            result.compared,
            result.codes[201],
            result.codes[409],
            len(result.mistakes),
        )
        for result in results
    ]
    print_table("Free starts, beside a search of all rows and real bookings; target no mistake", COLUMNS, rows)
    mistakes = [mistake for result in results for mistake in result.mistakes]
    print(*mistakes, sep="\n")
    if mistakes:
        sys.exit(1)


async def _check_town(servers: BenchServers, size: int, samples: int, posts: int, seed: int) -> CheckResult:
    environment = settings(servers, redis=UNREACHABLE_REDIS_URL) | {"LOG_LEVEL": "error", "TRUSTED_PROXIES": "1"}
    app = create_app(Settings.from_env(environment))
    database: Database = app.state.services.database
    owner = await asyncpg.connect(servers.owner)
    try:
        await owner.execute("SELECT setseed($1)", (seed % 1000) / 1000)
        customers = await owner.fetch("SELECT id FROM users WHERE role = 'customer' ORDER BY id LIMIT 500")
        tokens = [await sign_in(database, row["id"], SessionKind.TOKEN) for row in customers]
        check = _Check(InProcessClient(app), owner, tokens, random.Random(seed), CheckResult(size))
        for number, row in enumerate(await owner.fetch(SAMPLES, samples)):
            sample = Sample(*row)
            await check.sample(sample if number % 2 else replace(sample, professional_id=None), posts)
        return check.result
    finally:
        await owner.close()
        await database.close()


@dataclass(slots=True)
class _Check:
    client: InProcessClient
    owner: "asyncpg.Connection[asyncpg.Record]"
    tokens: Sequence[str]
    dice: random.Random
    result: CheckResult
    numbers: Any = field(default_factory=count)

    async def sample(self, sample: Sample, posts: int) -> None:
        self.result.samples += 1
        grid = [clock.at(clock.today(), 30 * n) for n in range(48 * 7)]
        found = await self._search_all_rows(sample, grid)
        await self._compare(sample, "the rows", set(grid), await self._shown(sample), found)
        daytime = [start for start in grid if 7 <= start.hour < 21]
        for number in range(posts):
            shown = await self._shown(sample)
            hidden = [start for start in daytime if start not in shown and start > clock.now()]
            options = hidden if number % 2 and hidden else sorted(shown)
            if options:
                await self._post(sample, self.dice.choice(options), shown)
        await self._compare(
            sample, "the bookings", set(grid), await self._shown(sample), await self._search_all_rows(sample, grid)
        )

    async def _compare(
        self, sample: Sample, after: str, grid: set[datetime], shown: set[datetime], found: set[datetime]
    ) -> None:
        self.result.compared += len(grid)
        soon = clock.now() + timedelta(minutes=max(sample.notice_minutes, 20) + 1)
        differing = {start for start in shown ^ found if start > soon or start in shown}
        self.result.mistakes += [
            f"{sample} after {after}: {start} shown: {start in shown}" for start in sorted(differing)
        ]

    async def _shown(self, sample: Sample) -> set[datetime]:
        named = f"&professional={sample.professional_id}" if sample.professional_id else ""
        path = f"/api/services/{sample.service_id}/slots?pincode={sample.pincode}{named}"
        days = (await self.client.get(path, self._network())).json()["days"]
        return {datetime.fromisoformat(start) for day in days for start in day["slots"]}

    async def _post(self, sample: Sample, start: datetime, shown: set[datetime]) -> None:
        order = {
            "service_id": sample.service_id,
            "start": start.isoformat(),
            "address": "Flat 3B, 12 Main Road",
            "pincode": sample.pincode,
            "payment": {"method": "card", "card_number": "4242 4242 4242 4242", "expiry": "08/40", "cvv": "123"},
        }
        if sample.professional_id:
            order["professional_id"] = sample.professional_id
        number = next(self.numbers)
        headers = self._network() | {"authorization": f"Bearer {self.tokens[number % len(self.tokens)]}"}
        answer = await self.client.post("/api/request/service", headers, order)
        self.result.codes[answer.status_code] += 1
        expected = (201,) if start in shown else (409, 422)
        if answer.status_code not in expected:
            self.result.mistakes.append(
                f"{sample}: {start} shown: {start in shown}, {answer.status_code} {answer.body.decode()}"
            )

    async def _search_all_rows(self, sample: Sample, grid: Sequence[datetime]) -> set[datetime]:
        people = await self.owner.fetch(PEOPLE, sample.service_id, sample.pincode, sample.professional_id)
        self.result.candidates += len(people)
        place = await self.owner.fetchrow("SELECT * FROM pincodes WHERE pincode = $1", sample.pincode)
        jobs: dict[int, list[tuple[datetime, datetime]]] = {row["professional_id"]: [] for row in people}
        for job in await self.owner.fetch(RESERVATIONS, list(jobs)):
            travel = timedelta(minutes=_travel_minutes(place, job))
            jobs[job["professional_id"]].append((job["starts"] - travel, job["ends"] + travel))
        length, soon = (
            timedelta(minutes=sample.minutes),
            clock.now() + timedelta(minutes=max(sample.notice_minutes, 20)),
        )
        return {
            start
            for start in grid
            if start >= soon
            and any(
                _works(person["hours"], start, sample.minutes)
                and all(start + length <= before or after <= start for before, after in jobs[person["professional_id"]])
                for person in people
            )
        }

    def _network(self) -> dict[str, str]:
        number = next(self.numbers)
        return {"x-forwarded-for": f"10.{number >> 8 & 255}.{number & 255}.1"}


def _works(hours: Sequence[Sequence[int]], start: datetime, minutes: int) -> bool:
    """Within one stretch: nobody in these towns works over midnight."""
    minute = start.hour * 60 + start.minute
    return any(
        day == start.weekday() and opens <= minute and minute + minutes <= closes for day, opens, closes in hours
    )


def _travel_minutes(first: Any, other: Any) -> float:
    if first["pincode"] == other["pincode"]:
        return BETWEEN_JOBS_MINUTES
    a, b = math.radians(first["latitude"]), math.radians(other["latitude"])
    turn = math.radians(first["longitude"] - other["longitude"])
    cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
    return BETWEEN_JOBS_MINUTES + EARTH_RADIUS_KM * math.acos(min(1, cosine)) * ROAD_FACTOR / SPEED_KMH * 60
