"""The shapes of what programs send and read: strict bodies."""

from msgspec import Struct


class Body(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a program sends: no field that we do not know, every type as it is written."""
