"""A customer's favourites: professionals whom they want to find again (W41)."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.orm import NaturalKeyBase

MAX_FAVOURITES = 100


class Favourite(NaturalKeyBase):
    """A professional whom the customer marked; the row stays when they leave, are blocked or become unavailable."""

    __tablename__ = "favourites"
    customer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"), primary_key=True)
    professional_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("professionals.user_id"), primary_key=True)
    at: Mapped[datetime]
