"""JSON of a professional and of decisions about them. Phone and address appear only when reading them is recorded."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.accounts.professional import BLOCKED
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import to_ist
from app.core.i18n import N_
from app.core.paging import AnyRow

Name = Annotated[str, Meta(description="Full name.", examples=["Lakshmi Iyer"])]
Mail = Annotated[
    str, Meta(description="Email address; empty if the account is deleted.", examples=["lakshmi@example.com"])
]
Phone = Annotated[
    str | None,
    Meta(
        description="Phone number; null in lists, because each view by an admin is logged.",
        examples=["+919000000000", None],
    ),
]
Line = Annotated[
    str | None,
    Meta(description="Main address; null in lists, like the phone number.", examples=["12 Beach Road", None]),
]
Pin = Annotated[str, Meta(description="6-digit pincode of the home address; empty if unknown.", examples=["600020"])]
PlaceName = Annotated[str, Meta(description="Name of the area.", examples=["Adyar"])]
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
    trade: Annotated[str, Meta(description="Main trade.", examples=["Plumbing"])]
    experience_years: Annotated[int, Meta(ge=0, description="Years of experience.", examples=[8])]
    languages: Annotated[
        list[Literal["ta", "en", "hi", "te", "ml", "kn", "ur", "bn", "mr", "gu", "or", "pa"]],
        Meta(description="Languages they speak, by their ISO 639 codes.", examples=[["ta", "en"]]),
    ]
    standing: Annotated[
        Literal["pending", "approved", "denied"], Meta(description="Approval status.", examples=["approved"])
    ]
    denial_reason: Annotated[
        str | None, Meta(description="Reason for the rejection; else null.", examples=["The photo is not clear.", None])
    ]
    rating: Annotated[
        float | None,
        Meta(description="Average rating, 1 to 5; null if there are no reviews yet.", examples=[4.5, None]),
    ]
    jobs: Annotated[int, Meta(ge=0, description="Number of completed jobs.", examples=[30])]
    active: Active
    since: Moment


ReasonText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        description="The reason, shown to the person word for word.",
        examples=["The photo is not clear."],
        extra={"error": N_("Enter a reason. It's shown to the person exactly as you write it.")},
    ),
]


class DenialBody(Body):
    """The reason for a rejection."""

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
        languages=row.languages,
        standing=row.approval_status,
        denial_reason=row.denial_reason,
        rating=row.stars / 100 if row.stars else None,
        jobs=row.jobs,
        active=row.admin_status != BLOCKED,
        since=to_ist(row.created_at),
    )
