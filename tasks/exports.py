"""Build requested exports, requeue those of a dead worker, delete old files."""

from app.exports import lifecycle
from app.exports.builder import ExportBuilder
from tasks.context import Context, unit_of_work


async def build_export(ctx: Context, *, export_id: int) -> None:
    """Build the file once, however often the task is queued; what a dead worker began is begun anew."""
    services = ctx["services"]
    await ExportBuilder(services.database, services.after_commit, services.storage, services.settings).build(export_id)


async def requeue_stale_exports(ctx: Context) -> int:
    """Queue again what Redis lost or a killed worker was building."""
    async with unit_of_work(ctx) as db:
        return await lifecycle.requeue_stale(db)


async def expire_exports(ctx: Context) -> int:
    async with unit_of_work(ctx) as db:
        return await lifecycle.expire(db, ctx["services"].storage)
