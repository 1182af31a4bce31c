"""A setting that admins saved; a saved value wins over the environment's, and an empty one leaves it to that."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import AuditedMixin
from app.core.orm import NaturalKeyBase

NAMES = (
    "support_email",
    "support_phone",
    "support_whatsapp",
    "grievance_name",
    "grievance_email",
    "grievance_hours",
    "legal_name",
    "gstin",
)


class Setting(AuditedMixin, NaturalKeyBase):
    __tablename__ = "settings"
    __table_args__ = (
        CheckConstraint(f"name IN ({', '.join(repr(name) for name in NAMES)})", name="settings_name_check"),
        CheckConstraint(
            "length(value) <= 254"
            " AND (name NOT IN ('support_phone', 'support_whatsapp') OR value ~ '^([+]91[0-9]{8,12})?$')"
            " AND (name NOT IN ('support_email', 'grievance_email') OR value ~ '^([^@ ]+@[^@ ]+)?$')"
            " AND (name <> 'gstin' OR value ~ '^([0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]Z[0-9A-Z])?$')",
            name="settings_value_check",
        ),
    )
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))

    @property
    def subject(self) -> str:
        return f"setting-{self.name}"
