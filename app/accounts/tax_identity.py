"""What an invoice says about a person besides name and address: GSTIN and the name of their business."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.contact_fields import parse_detail
from app.accounts.gstin import parse_gstin
from app.accounts.user import User
from app.core.orm import NaturalKeyBase
from app.core.validation import collect

MAX_BUSINESS_NAME_LENGTH = 120
FIELDS = ("gstin", "business_name")


class TaxIdentity(NaturalKeyBase):
    """Of a customer or professional; no row where both are empty."""

    __tablename__ = "tax_identities"
    __table_args__ = (
        CheckConstraint(
            "gstin ~ '^([0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z])?$'", name="tax_identities_gstin_check"
        ),
        CheckConstraint("length(business_name) <= 120", name="tax_identities_business_name_check"),
        CheckConstraint("gstin <> '' OR business_name <> ''", name="tax_identities_empty_check"),
    )
    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    gstin: Mapped[str] = mapped_column(default="", server_default="")
    business_name: Mapped[str] = mapped_column(default="", server_default="")


async def tax_fields_of(db: AsyncSession, user_id: int) -> dict[str, str]:
    """The user's `gstin` and `business_name`, "" where there is none."""
    identity = await db.get(TaxIdentity, user_id)
    return {name: getattr(identity, name) if identity else "" for name in FIELDS}


async def change_tax_identity(db: AsyncSession, user: User, gstin: str | None, business_name: str | None) -> None:
    """Change the fields that are not None, of the locked `user`. Invalid("gstin", "business_name").

    Invoices that are issued already stay as they are.
    """
    current = await tax_fields_of(db, user.id)
    typed = {"gstin": gstin, "business_name": business_name}
    fields = collect(
        {
            "gstin": lambda: current["gstin"] if gstin is None else parse_gstin(gstin),
            "business_name": lambda: (
                current["business_name"]
                if business_name is None
                else parse_detail(business_name, MAX_BUSINESS_NAME_LENGTH)
            ),
        }
    )
    changed = [name for name in FIELDS if typed[name] is not None and fields[name] != current[name]]
    if not changed:
        return
    identity = await db.get(TaxIdentity, user.id)
    if identity is not None and not any(fields.values()):
        await db.delete(identity)
    elif identity is not None:
        identity.gstin, identity.business_name = fields["gstin"], fields["business_name"]
    else:
        db.add(TaxIdentity(user_id=user.id, **fields))
    personal = {f"before.{name}": current[name] for name in changed}
    personal |= {f"after.{name}": fields[name] for name in changed}
    user.record("person.details_changed", by=user, personal=personal, fields=changed)
    await db.flush()
