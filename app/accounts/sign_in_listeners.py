"""What follows from signing in on a page, after its commit. Higher rooms register it (app.listeners)."""

from collections.abc import Awaitable, Callable

from app.accounts.sign_up import TransactionFactory
from app.accounts.user import User

# Called with transactions of its own, the user, and the local path where the user continues.
SignInListener = Callable[[TransactionFactory, User, str], Awaitable[None]]
_listeners: list[SignInListener] = []


def register_sign_in_listener(listener: SignInListener) -> None:
    """Idempotent."""
    if listener not in _listeners:
        _listeners.append(listener)


async def after_sign_in(new_transaction: TransactionFactory, user: User, next_url: str) -> None:
    for listener in _listeners:
        await listener(new_transaction, user, next_url)
