"""Old messages and photos."""

from app.messages.thread import delete_old_messages
from tasks.context import Context, repeat_until_done


async def prune_messages(ctx: Context) -> int:
    """Delete messages and photos of jobs that ended 180 days ago."""
    storage = ctx["services"].storage
    return await repeat_until_done(ctx, lambda db: delete_old_messages(db, storage))
