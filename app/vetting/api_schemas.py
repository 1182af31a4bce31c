"""JSON of a professional and of decisions about them. Phone and address appear only when reading them is recorded."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.accounts.professional import BLOCKED
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import to_ist
from app.core.i18n import N_
from app.core.paging import AnyRow

Name = Annotated[str, Meta(description="Full name.", examples=["Lakshmi Iyer"])]
Mail = Annotated[str, Meta(description="E-mail address; empty once they have left.", examples=["lakshmi@example.com"])]
Phone = Annotated[
    str | None,
    Meta(
        description="Only for one person at a time: that an admin looked is recorded.", examples=["+919000000000", None]
    ),
]
Line = Annotated[
    str | None, Meta(description="Main address, under the same rule as the phone.", examples=["12 Beach Road", None])
]
Pin = Annotated[str, Meta(description="Six digits of where they live; empty when unknown.", examples=["600020"])]
PlaceName = Annotated[str, Meta(description="Name of that place.", examples=["Adyar"])]
Active = Annotated[bool, Meta(description="False while the account is blocked.", examples=[True])]


class ProfessionalJson(Struct, kw_only=True):
    """A professional."""

    id: Id
    full_name: Name
    email: Mail
    phone: Phone
    address: Line
    pincode: Pin
    place: PlaceName
    trade: Annotated[str, Meta(description="What they mostly do.", examples=["Plumbing"])]
    experience_years: Annotated[int, Meta(ge=0, description="Years of experience.", examples=[8])]
    standing: Annotated[
        Literal["pending", "approved", "denied"], Meta(description="May they work?", examples=["approved"])
    ]
    denial_reason: Annotated[
        str | None, Meta(description="Why they were denied, word for word.", examples=["The photo is not clear.", None])
    ]
    rating: Annotated[
        float | None, Meta(description="Mean of the stars, 1 to 5; null: none yet.", examples=[4.5, None])
    ]
    jobs: Annotated[int, Meta(ge=0, description="Jobs done.", examples=[30])]
    active: Active
    since: Moment


ReasonText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        description="The person reads it word for word.",
        examples=["The photo is not clear."],
        extra={"error": N_("Enter a reason. The professional will see it word for word.")},
    ),
]


class DenialBody(Body):
    """Why the case is denied."""

    reason: ReasonText


def professional_json(row: AnyRow, address: str | None = None, *, whole: bool = False) -> ProfessionalJson:
    """`whole`: with phone and address."""
    return ProfessionalJson(
        id=row.id,
        full_name=row.full_name,
        email=row.email if row.deleted_at is None else "",
        phone=row.phone if whole else None,
        address=address if whole else None,
        pincode=row.pincode,
        place=row.place,
        trade=row.trade,
        experience_years=row.experience_years,
        standing=row.approval_status,
        denial_reason=row.denial_reason,
        rating=row.stars / 100 if row.stars else None,
        jobs=row.jobs,
        active=row.admin_status != BLOCKED,
        since=to_ist(row.created_at),
    )
