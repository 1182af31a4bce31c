"""How a booking tells what happened to it: the fact with its state before and after, and whose screens look again."""

from typing import TYPE_CHECKING, Any

from app.core.events import Actor, Chronicle

if TYPE_CHECKING:
    from sqlalchemy.orm import Mapped


class Telling(Chronicle):
    """app.bookings.booking.Booking has what is told."""

    if TYPE_CHECKING:
        state: Mapped[str]
        pincode: Mapped[str]
        customer_id: Mapped[int]
        professional_id: Mapped[int | None]

    def _tell(self, name: str, by: Actor, *, offered: bool = False, nudge: int | None = None, **facts: object) -> None:
        """The fact, and whose screens look again: the parties', and the area's when an offer came or went."""
        people = {self.customer_id, self.professional_id, nudge} - {None}
        nudges = [(f"user:{person}", topic) for person in people for topic in (self.subject, "jobs")]
        if offered:
            nudges.append((f"area:{self.pincode}", "jobs"))
        self.record(name, by=by, nudges=nudges, **self._with_state(facts))

    def _with_state(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The state it had before its last move, which is told with the move's own event, and the one it has."""
        if "_was" not in self.__dict__:
            return facts
        was, now = {"state": self.__dict__.pop("_was")}, {"state": str(self.state)}
        return facts | {"before": was | facts.get("before", {}), "after": now | facts.get("after", {})}
