"""Run one COPY or one export and print its measurements. `python -m bench.export_runs plain|export FOLDER`

Settings come from the environment. Prints JSON: rows, seconds, MB written, peak memory MB, memory before MB.
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
from app.exports import lifecycle
from app.exports.export import Export
from app.services import compose
from app.settings import Settings
from tasks.context import Context
from tasks.exports import build_export

# The same rows and joins without conversion of money, time zone or formula characters.
PLAIN = """
    SELECT b.reference, b.service_name, k.name, b.state, b.cancelled_as, b.starts_at, b.minutes, c.full_name,
           w.full_name, p.place, b.pincode, b.price, b.fee, b.payment, b.created_at, b.assigned_at, b.completed_at,
           b.rating
      FROM bookings b JOIN services s ON s.id = b.service_id JOIN categories k ON k.id = s.category_id
      JOIN users c ON c.id = b.customer_id LEFT JOIN users w ON w.id = b.professional_id
      JOIN pincodes p ON p.pincode = b.pincode
     ORDER BY b.id
"""


def _peak() -> float:
    """Return the peak memory of this process in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


async def plain(config: Settings, folder: str) -> tuple[int, float, int]:
    connection = await asyncpg.connect(config.database_url)
    path = os.path.join(folder, "plain.csv")
    started = time.perf_counter()
    status = await connection.copy_from_query(PLAIN, output=Path(path), format="csv", header=True)
    elapsed = time.perf_counter() - started
    await connection.close()
    return int(status.split()[1]), elapsed, await asyncio.to_thread(os.path.getsize, path)


async def export(config: Settings, folder: str) -> tuple[int, float, int]:
    """Run the export task; return rows, seconds and bytes."""
    services = compose(config)
    database = services.database
    async with database.work() as db:
        admin = await db.get_one(User, await db.scalar(select(User.id).where(User.role == "admin").limit(1)))
        requested = await lifecycle.request_export(db, admin, "bookings", {}, bom=False)
    started = time.perf_counter()
    await build_export(Context(services=services), export_id=requested.id)
    elapsed = time.perf_counter() - started
    async with database.work() as db:
        created = await db.get_one(Export, requested.id)
    await database.close()
    assert created.state == "ready", created.error
    assert created.rows_total is not None
    assert created.size is not None
    return created.rows_total, elapsed, created.size


def main(method: str, folder: str) -> None:
    config, before = Settings.from_env(), _peak()
    rows, seconds, size = asyncio.run({"plain": plain, "export": export}[method](config, folder))
    print(json.dumps([rows, seconds, size / 1e6, _peak(), before]))


if __name__ == "__main__":
    main(*sys.argv[1:])
