"""Models of India's pincodes (reference data) and of users' addresses."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Double, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.address_details import AddressDetails
from app.core.orm import Base, NaturalKeyBase


class Pincode(NaturalKeyBase):
    """A postal area. `latitude` and `longitude` are in degrees; 170 pincodes have none."""

    __tablename__ = "pincodes"
    __table_args__ = (
        CheckConstraint("pincode ~ '^[1-9][0-9]{5}$'", name="pincodes_pincode_check"),
        Index("pincodes_place_trgm_idx", "place", postgresql_using="gist", postgresql_ops={"place": "gist_trgm_ops"}),
        Index("pincodes_place_idx", "place"),
    )
    pincode: Mapped[str] = mapped_column(String(6), primary_key=True)
    place: Mapped[str]
    district: Mapped[str]
    state: Mapped[str]
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    quality: Mapped[str]


class Address(Base):
    """An entry of a user's address book; "" where a detail is not known."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index("addresses_user_id_idx", "user_id"),
        Index("addresses_main_key", "user_id", unique=True, postgresql_where=text("is_main")),
        CheckConstraint("length(line) BETWEEN 1 AND 300", name="addresses_line_check"),
        CheckConstraint(
            "length(label) <= 40 AND length(floor) <= 40 AND length(landmark) <= 120", name="addresses_details_check"
        ),
        CheckConstraint(
            "(contact_name = '') = (contact_phone = '') AND length(contact_name) <= 120"
            " AND contact_phone ~ '^([+][0-9]{8,15})?$'",
            name="addresses_contact_check",
        ),
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"))
    line: Mapped[str]
    pincode: Mapped[str] = mapped_column(String(6), ForeignKey("pincodes.pincode"))
    is_main: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    created_at: Mapped[datetime]
    label: Mapped[str] = mapped_column(default="", server_default="")
    floor: Mapped[str] = mapped_column(default="", server_default="")
    landmark: Mapped[str] = mapped_column(default="", server_default="")
    contact_name: Mapped[str] = mapped_column(default="", server_default="")
    contact_phone: Mapped[str] = mapped_column(default="", server_default="")

    @property
    def details(self) -> AddressDetails:
        return AddressDetails(self.label, self.floor, self.landmark, self.contact_name, self.contact_phone)

    @details.setter
    def details(self, details: AddressDetails) -> None:
        self.label, self.floor, self.landmark = details.label, details.floor, details.landmark
        self.contact_name, self.contact_phone = details.contact_name, details.contact_phone
