"""Whether the two sides of a booking see each other's phone: each one's profile, or a choice for this booking."""

from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import Actor


def shared_phone_sql(choice: str, user: str) -> str:
    """The phone of `user` that the other side may see, NULL if it is hidden; `choice` is the one for this booking."""
    return f"CASE WHEN coalesce({choice}, {user}.share_phone) THEN {user}.phone END"


class PhoneSharingMixin:
    """The choices of both sides; None where the profile decides. The professional's goes with the assignment."""

    customer_shares_phone: Mapped[bool | None] = mapped_column()
    professional_shares_phone: Mapped[bool | None] = mapped_column()

    def choose_phone_sharing(self, by: Actor, *, shared: bool) -> None:
        """Show the phone of `by`, the customer or the professional, to the other side, or hide it."""
        if by.role == "customer":
            self.customer_shares_phone = shared
        else:
            self.professional_shares_phone = shared
