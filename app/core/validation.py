"""Read many fields at once, to report the errors of all invalid fields together."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from app.core.errors import Invalid

T = TypeVar("T")


class FieldError(ValueError):
    """A sentence about one field, for the person who typed it."""


def collect(readers: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    """The value of every field. Raises one Invalid with the errors of all that failed, in the order of `readers`.

    A reader raises FieldError, or Invalid for what is inside it: its names are prefixed with the field's.
    """
    errors: dict[str, str] = {}
    values: dict[str, T] = {}
    for name, read in readers.items():
        try:
            values[name] = read()
        except FieldError as error:
            errors[name] = str(error)
        except Invalid as error:
            errors |= {f"{name}.{inner}": message for inner, message in error.errors.items()}
    if errors:
        raise Invalid(errors)
    return values
