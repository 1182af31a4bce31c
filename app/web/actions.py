"""Submit a form: run an action, then redirect with a message or render the form again with its errors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TypeVar

from app.core.errors import DoorstepError, Invalid, Overloaded, RateLimited, Refused
from app.web.forms import redisplayable
from app.web.http import HtmlResponse, Request
from app.web.render import flash, redirect

T = TypeVar("T")
Rendered = HtmlResponse | Awaitable[HtmlResponse]
STATUS: Mapping[type[DoorstepError], int] = {
    Overloaded: 503,  # before Invalid, which it is too
    Invalid: 422,
    Refused: 409,
    RateLimited: 429,
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an action was rejected, as the page renders it with the form.

    `values` holds the submitted fields that may be displayed again (no passwords, cards or codes).
    """

    error: DoorstepError
    values: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """422 for Invalid, 409 for Refused, 429 for RateLimited, 503 for Overloaded."""
        return next(status for kind, status in STATUS.items() if isinstance(self.error, kind))

    @property
    def errors(self) -> dict[str, str]:
        """The error of each field; empty unless the error is Invalid."""
        return self.error.errors if isinstance(self.error, Invalid) else {}

    @property
    def refusal(self) -> Refused | None:
        return self.error if isinstance(self.error, Refused) else None

    @property
    def message(self) -> str:
        """The message about the whole form; "" if every error belongs to a field."""
        return self.errors.get("", "") if isinstance(self.error, Invalid) else self.error.message

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After, if the next attempt must wait."""
        return {"retry-after": str(self.error.seconds)} if isinstance(self.error, RateLimited | Overloaded) else {}


async def submit(
    request: Request,
    action: Callable[[], Awaitable[T]],
    *,
    on_error: Callable[[Rejection], Rendered],
    then: str | Callable[[T], str | Rendered],
    message: str | Callable[[T], str] = "",
    message_kind: str = "done",
    form: Mapping[str, str] | None = None,
    catch: tuple[type[DoorstepError], ...] = (Invalid, Refused),
) -> HtmlResponse:
    """Run `action`, then redirect to `then` with `message` as the flash of the next page.

    When `action` raises one of `catch`, return what `on_error` renders for the rejection; other errors propagate.
    `then` and `message` may be functions of the action's result; `then` may also return a response of its own.
    `message_kind` is that of flash(): done, calm, note or error.
    `form` gives the values that are shown again; the values that Invalid carries win over them.
    """
    try:
        result = await action()
    except catch as error:
        values = redisplayable(form or {})
        if isinstance(error, Invalid):
            values |= {name: str(value) for name, value in error.values.items()}
        return await _resolve(on_error(Rejection(error, values)))
    text = message(result) if callable(message) else message
    if text:
        flash(request, text, message_kind)
    target = then(result) if callable(then) else then
    return redirect(request, target) if isinstance(target, str) else await _resolve(target)


async def _resolve(response: Rendered) -> HtmlResponse:
    return await response if isawaitable(response) else response
