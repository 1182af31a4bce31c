"""Papers that run out, and files that nobody mentions."""

import asyncio

from app.core.storage import Storage
from app.exports.repository import Exports
from app.vetting import document_changes
from app.vetting.repository import Documents
from tasks.context import Context, work


async def warn_of_expiry(ctx: Context) -> int:
    """W7: 30, 7 and 1 day before, and on the day."""
    async with work(ctx) as db:
        return await document_changes.warn_of_expiry(db)


async def sweep_files(ctx: Context) -> int:
    """What a killed process left in the private folder, ten minutes later."""
    async with work(ctx) as db:
        known = {*await Documents(db).stored_names(), *await Exports(db).stored_names()}
    return await asyncio.to_thread(Storage(ctx["settings"].uploads_dir).sweep, known)
