"""The panel on a finished booking's page: add its professional to the favourites, or don't book them again."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.bookings.customer_repository import CustomerBooking
from app.bookings.moves import State
from app.favourites.repository import CustomerChoices
from app.web.panels import Panel


async def _load(_db: AsyncSession, booking: CustomerBooking) -> CustomerChoices | None:
    is_over = booking.state in (State.COMPLETED, State.CLOSED, State.CANCELLED)
    choices = booking.added["choices"]
    return CustomerChoices(*choices) if is_over and choices else None


CHOICES_PANEL = Panel("bookings.booking", 40, _load, "favourites/_booking_choices.html")
