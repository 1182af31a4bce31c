"""The exceptions that domain code raises; app.web.errors turns them into responses."""

from collections.abc import Mapping


class DoorstepError(Exception):
    """Base class; `message` is a sentence for the user."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class Refused(DoorstepError):
    """A rule or a concurrent change does not allow the action: 409.

    `reason` is a stable code that handlers may branch on ("taken", "changed", "locked" …). `about` tells apart
    refusals with the same reason and different headings (app.web.refusal_headings): "taken" about a "job", a time slot.
    """

    def __init__(self, message: str, *, reason: str = "refused", about: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.about = about


class Missing(DoorstepError):
    """The record does not exist or belongs to another user: 404."""


class Invalid(DoorstepError):
    """The input is invalid: 422. `errors` maps field names to messages; `values` is what was submitted."""

    def __init__(self, errors: Mapping[str, str], values: Mapping[str, object] | None = None) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)
        self.values = dict(values or {})


class Overloaded(Invalid):
    """Too much to do for now: 503. The form is shown again; in `seconds` it may be sent again."""

    def __init__(self, errors: Mapping[str, str], seconds: int) -> None:
        super().__init__(errors)
        self.seconds = seconds


class RateLimited(DoorstepError):
    """Too many attempts: 429. `seconds` until the next one is allowed."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds
