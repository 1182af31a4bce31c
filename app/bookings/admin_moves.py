"""What an admin does to a booking's record: give a job to another professional, write a note."""

from typing import TYPE_CHECKING, Any

from app.bookings.code import Code, CodePhase
from app.core.encryption import Encryption
from app.core.events import Actor

if TYPE_CHECKING:
    from app.bookings.moves import State


class AdminMovesMixin:
    """Mixin of the entity Booking, whose moves and events it uses."""

    __slots__ = ()
    if TYPE_CHECKING:
        professional_id: Any
        customer_id: Any
        event_count: Any
        codes: Any
        started_at: Any
        departed_at: Any
        arrived_at: Any
        eta_from: Any
        eta_until: Any
        late_count: Any

        def _move(self, name: str, by: Actor) -> State: ...
        def _void_codes(self) -> None: ...
        def _assign_to(self, professional_id: int | None, encryption: Encryption) -> None: ...
        def _record_move(self, name: str, by: Actor, previous: State | None, **facts: Any) -> None: ...
        def _record(self, name: str, by: Actor, **facts: Any) -> None: ...

    def reassign(self, by: Actor, professional_id: int, reason: str, encryption: Encryption) -> None:
        """Give an accepted or started job to another professional, with a new start code; no money moves."""
        former_id: int = self.professional_id
        previous = self._move("reassign", by)
        self._void_codes()
        self._revoke_start_code()
        self.started_at = self.departed_at = self.arrived_at = None
        self.eta_from, self.eta_until, self.late_count = None, None, 0
        self._assign_to(professional_id, encryption)
        self._record_move(
            "booking.reassigned",
            by,
            previous,
            also_refresh=former_id,
            professional_id=professional_id,
            former_id=former_id,
            personal={"reason": reason},
        )

    def add_note(self, by: Actor, text: str) -> None:
        """A note for admins, in the booking's history."""
        self._record("booking.noted", by, personal={"text": text})

    def send_admin_message(self, by: Actor, to: str, text: str) -> None:
        """Write to the customer or the professional; the text is in the booking's history."""
        recipient_id = self.professional_id if to == "professional" else self.customer_id
        self._record(
            "booking.admin_message",
            by,
            to=to,
            recipient_id=recipient_id,
            number=(self.event_count or 0) + 1,
            personal={"text": text},
            **({"professional_id": recipient_id} if to == "professional" else {}),
        )

    def _revoke_start_code(self) -> None:
        """Void the start code that was used: the next professional starts with another one."""
        used: list[Code] = [code for code in self.codes if code.phase == CodePhase.START and code.used_at is not None]
        for code in used:
            code.revoke()
