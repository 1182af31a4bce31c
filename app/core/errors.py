"""The only exceptions the domain raises; app.web.errors turns them into answers."""

from collections.abc import Mapping


class DoorstepError(Exception):
    """What every refusal of the domain has in common: a sentence for the person."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class Refused(DoorstepError):
    """A rule or somebody quicker says no: 409, in words, with a way on.

    `reason` is a stable word that doors may branch on ("taken", "changed", "locked" …).
    """

    def __init__(self, message: str, *, reason: str = "refused") -> None:
        super().__init__(message)
        self.reason = reason


class Missing(DoorstepError):
    """It does not exist, or is not yours, which is the same: 404."""


class Invalid(DoorstepError):
    """What was typed cannot be right: 422, each message beside its field, values kept."""

    def __init__(self, errors: Mapping[str, str], values: Mapping[str, object] | None = None) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)
        self.values = dict(values or {})
