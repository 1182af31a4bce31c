"""Leases: a worker holds a row until a time and renews it while running; after expiry another worker takes over."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.core.orm import Base, NaturalKeyBase
from app.core.poll_loop import Poll, PollLoop

LEASE_DURATION = timedelta(seconds=20)
RENEWAL_SECONDS = 5.0
Row = TypeVar("Row", bound=Base | NaturalKeyBase)
Conditions = Iterable[ColumnElement[bool]]
# Rows are read anew, also those that the session holds already.
FRESH = {"populate_existing": True, "synchronize_session": False}


def is_expired(column: InstrumentedAttribute[datetime | None], moment: datetime) -> ColumnElement[bool]:
    """SQL: the row was never leased, or its lease ran out by `moment`."""
    return or_(column.is_(None), column <= moment)


def is_stale(last_sign: datetime | None, now: datetime, after: timedelta) -> bool:
    """Nothing was heard for longer than `after`."""
    return last_sign is None or now - last_sign > after


async def claim_due(
    db: AsyncSession,
    model: type[Row],
    due: Conditions,
    values: Mapping[str, Any],
    *,
    order_by: Iterable[Any],
    limit: int,
) -> list[Row]:
    """Write `values` to up to `limit` due rows, skipping rows that another worker is claiming; unordered."""
    keys = model.__mapper__.primary_key
    free = select(*keys).where(*due).order_by(*order_by).limit(limit).with_for_update(skip_locked=True).cte("free")
    claimed = update(model).where(*(key == free.c[key.name] for key in keys)).values(**values).returning(model)
    return list(await db.scalars(claimed, execution_options=FRESH))


async def renew_lease(db: AsyncSession, model: type[Row], owned: Conditions, values: Mapping[str, Any]) -> bool:
    """Write `values` to the rows that are still owned; False when none is."""
    keys = model.__mapper__.primary_key
    renewed = await db.execute(update(model).where(*owned).values(**values).returning(*keys), execution_options=FRESH)
    return renewed.first() is not None


async def still_owned(db: AsyncSession, model: type[Row], owned: Conditions) -> Row | None:
    """Lock the row and return it, unless it was taken over or settled."""
    query = select(model).where(*owned).with_for_update().execution_options(populate_existing=True)
    row: Row | None = (await db.scalars(query)).one_or_none()
    return row


def with_heartbeat(name: str, renew: Poll, *, interval: float = RENEWAL_SECONDS) -> PollLoop:
    """`async with with_heartbeat(…)`: renew while the block runs; a renewal that fails may succeed the next time."""
    return PollLoop(name, renew, interval=interval)
