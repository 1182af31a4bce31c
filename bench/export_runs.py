"""A process that copies or exports, and knows nothing else. `python -m bench.export_runs plain|export FOLDER`

Settings come by the environment, as to a worker. It prints rows, seconds, MB written, MB of memory at most and before.
"""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path

import asyncpg
from sqlalchemy import select

from app.accounts.user import User
from app.exports import writer
from app.exports.export import Export
from app.services import compose
from app.settings import Settings
from tasks.context import Context
from tasks.exports import build_export

# The same rows and joins, as they lie there: no guards, no rupees, no Indian time.
PLAIN = """
    SELECT b.reference, b.service_name, k.name, b.state, b.cancelled_as, b.starts_at, b.minutes, c.full_name,
           w.full_name, p.place, b.pincode, b.price, b.fee, b.payment, b.requested_at, b.assigned_at, b.completed_at,
           b.rating
      FROM bookings b JOIN services s ON s.id = b.service_id JOIN categories k ON k.id = s.category_id
      JOIN users c ON c.id = b.customer_id LEFT JOIN users w ON w.id = b.professional_id
      JOIN pincodes p ON p.pincode = b.pincode
     ORDER BY b.id
"""


def _peak() -> float:
    """MB of this process at most, since it began to run this program."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


async def plain(given: Settings, folder: str) -> tuple[int, float, int]:
    line = await asyncpg.connect(given.database_url)
    path = os.path.join(folder, "plain.csv")
    started = time.perf_counter()
    status = await line.copy_from_query(PLAIN, output=Path(path), format="csv", header=True)
    elapsed = time.perf_counter() - started
    await line.close()
    return int(status.split()[1]), elapsed, await asyncio.to_thread(os.path.getsize, path)


async def export(given: Settings, folder: str) -> tuple[int, float, int]:
    """From the claim to the row that says ready: counted, guarded, digested, on the disk."""
    services = compose(given)
    database = services.database
    async with database.work() as db:
        admin = await db.get_one(User, await db.scalar(select(User.id).where(User.role == "admin").limit(1)))
        asked = await writer.request_export(db, admin, "bookings", {}, bom=False)
    started = time.perf_counter()
    await build_export(Context(services=services), export_id=asked.id)
    elapsed = time.perf_counter() - started
    async with database.work() as db:
        made = await db.get_one(Export, asked.id)
    await database.close()
    assert made.state == "ready", made.error
    assert made.rows_total is not None
    assert made.size is not None
    return made.rows_total, elapsed, made.size


def main(how: str, folder: str) -> None:
    given, before = Settings.from_env(), _peak()
    rows, seconds, size = asyncio.run({"plain": plain, "export": export}[how](given, folder))
    print(json.dumps([rows, seconds, size / 1e6, _peak(), before]))


if __name__ == "__main__":
    main(*sys.argv[1:])
