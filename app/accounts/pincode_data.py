"""Load India's pincodes from `data/pincodes.tsv`."""

import csv
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PINCODES_FILE = Path(__file__).parent / "data" / "pincodes.tsv"
UPSERT = text("""
    INSERT INTO pincodes AS known (pincode, place, district, state, latitude, longitude, quality)
    SELECT * FROM unnest(
        CAST(:pincode AS text[]), CAST(:place AS text[]), CAST(:district AS text[]), CAST(:state AS text[]),
        CAST(:latitude AS float8[]), CAST(:longitude AS float8[]), CAST(:quality AS text[])
    )
    ON CONFLICT (pincode) DO UPDATE SET
        place = excluded.place, district = excluded.district, state = excluded.state,
        latitude = excluded.latitude, longitude = excluded.longitude, quality = excluded.quality
    WHERE (known.*) IS DISTINCT FROM (excluded.*)
""")


async def load_pincodes(connection: AsyncConnection) -> int:
    """Update the table from the file; the number of rows that were new or changed."""
    with PINCODES_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    columns = {name: [row[name] for row in rows] for name in ("pincode", "place", "district", "state", "quality")}
    degrees = {name: [float(row[name]) if row[name] else None for row in rows] for name in ("latitude", "longitude")}
    return (await connection.execute(UPSERT, columns | degrees)).rowcount
