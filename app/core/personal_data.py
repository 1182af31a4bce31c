"""The interface between a room and app.privacy: the room's personal data, and how they are erased (W16, W17).

A room declares one PersonalData; app.privacy.personal_data lists them all. Why each column stays or goes is in
docs/decisions/0014-account-deletion.md.
"""

from dataclasses import dataclass

ERASED_TEXT = "–"  # where the schema requires a text
# The personal values of events; followed by a condition on `e`, the event.
DELETE_EVENT_VALUES = "DELETE FROM event_values v USING events e WHERE e.id = v.event_id AND "
DELETE_IDEMPOTENCY_KEYS = "DELETE FROM idempotency_keys WHERE user_id = :id"
DELETE_MESSAGES = "DELETE FROM outbox WHERE recipient_id = :id"
CUSTOMER, PROFESSIONAL, ADMIN = ("customer",), ("professional",), ("admin",)


@dataclass(frozen=True, slots=True)
class OwnDataSection:
    """One list of the archive of own data. `query` reads it for the person :me, its columns named for readers.

    People of `roles` get the section even when it is empty.
    """

    name: str
    query: str
    roles: tuple[str, ...] = CUSTOMER + PROFESSIONAL + ADMIN


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A room's sections of own data, and the statements that erase them, run in order for the person :id at :now.

    `erase_reviews`: only when the person asks that the words of their reviews go too. Statements hold whatever role
    the person has now: they may have had another one before.
    """

    room: str
    own_data: tuple[OwnDataSection, ...] = ()
    erase: tuple[str, ...] = ()
    erase_reviews: tuple[str, ...] = ()
