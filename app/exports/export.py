"""Exports: a table as a CSV file, requested by a user, built by a worker, downloaded, erased after a week."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.events import AuditedMixin
from app.core.orm import Base

KINDS = ("bookings", "customers", "professionals", "ledger", "earnings", "invoices")
STATES = ("queued", "running", "ready", "failed", "expired", "discarded")
_KINDS = ", ".join(f"'{kind}'" for kind in KINDS)
_STATES = ", ".join(f"'{state}'" for state in STATES)


class Export(Base, AuditedMixin):
    """One export. `filters` are the query fields of its table; `stored_as` is the random name of its file."""

    __tablename__ = "exports"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="exports_kind_check"),
        CheckConstraint(f"state IN ({_STATES})", name="exports_state_check"),
        CheckConstraint(
            "(state = 'ready') <= (stored_as IS NOT NULL AND ready_at IS NOT NULL AND expires_at IS NOT NULL)",
            name="exports_ready_check",
        ),
        CheckConstraint("rows_done >= 0 AND (rows_total IS NULL OR rows_total >= 0)", name="exports_rows_check"),
        Index("exports_requested_by_id_idx", "requested_by_id", "id"),
        Index("exports_open_idx", "id", postgresql_where=text("state IN ('queued', 'running')")),
    )
    reference: Mapped[str] = mapped_column(String(8), unique=True)
    requested_by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    kind: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    bom: Mapped[bool] = mapped_column(default=False, server_default="false")
    state: Mapped[str] = mapped_column(default="queued", server_default="queued")
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(default=0, server_default="0")
    stored_as: Mapped[str | None] = mapped_column(unique=True)
    size: Mapped[int | None]
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        return f"export-{self.id}"
