"""Every task by name, and the timetable in product words (Asia/Kolkata)."""

from collections.abc import Awaitable, Callable

from tasks.context import Context
from tasks.notifications import drain_outbox
from tasks.upkeep import (
    ask_the_others,
    close_old_bookings,
    complete_left_running,
    free_payouts,
    give_up_unfilled,
    lapse_holds,
    prune_keys,
    prune_sessions,
)

Task = Callable[[Context], Awaitable[object]]

# Enqueued by name, or by the timetable.
TIMETABLE: tuple[tuple[str, Task], ...] = (
    ("* * * * *", lapse_holds),
    ("* * * * *", give_up_unfilled),
    ("* * * * *", ask_the_others),
    ("*/5 * * * *", complete_left_running),
    ("10 * * * *", close_old_bookings),
    ("20 * * * *", free_payouts),
    ("30 3 * * *", prune_sessions),
    ("40 3 * * *", prune_keys),
)
TASKS: tuple[Task, ...] = (drain_outbox, *(task for _, task in TIMETABLE))

# Every second, with or without Redis.
PULSE: tuple[Task, ...] = (drain_outbox,)
