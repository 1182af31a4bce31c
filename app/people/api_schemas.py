"""People as programs read and write them. Phone and address stand only where looking is recorded, or is one's own."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.accounts.address import Address
from app.accounts.professional import BLOCKED
from app.accounts.user import User
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import here
from app.core.i18n import N_
from app.core.keyset import AnyRow
from app.core.paging import LONGEST, MOST

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


class CustomerJson(Struct, kw_only=True):
    """A customer."""

    id: Id
    full_name: Name
    email: Mail
    phone: Phone
    address: Line
    pincode: Pin
    place: PlaceName
    active: Active
    since: Moment


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


class ProfileJson(Struct, kw_only=True):
    """One's own account."""

    id: Id
    full_name: Name
    email: Mail
    phone: Phone
    address: Line
    pincode: Pin


class ProfileBody(Body):
    """What changes of one's own account; what is left out stays. Address and pincode come together."""

    full_name: Annotated[str, Meta(max_length=120, description="Full name.", examples=["Lakshmi Iyer"])] | UnsetType = (
        UNSET
    )
    phone: (
        Annotated[str, Meta(max_length=40, description="Indian mobile number.", examples=["+91 90000 00000"])]
        | UnsetType
    ) = UNSET
    address: (
        Annotated[str, Meta(max_length=300, description="House and street.", examples=["12 Beach Road"])] | UnsetType
    ) = UNSET
    pincode: Annotated[str, Meta(max_length=40, description="Six digits.", examples=["600020"])] | UnsetType = UNSET


ReasonText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        description="The person reads it word for word.",
        examples=["The photo is not clear."],
        extra={"error": N_("Please give the reason. It is read word for word.")},
    ),
]


class StatusBody(Body):
    """Block or unblock somebody."""

    blocked: Annotated[bool, Meta(description="True blocks, false unblocks.", examples=[True])]
    reason: ReasonText


class DenialBody(Body):
    """Why what waits does not count."""

    reason: ReasonText


class NameQuery(Struct, kw_only=True):
    """Whose name, and the query of every list."""

    name: Annotated[str, Meta(min_length=1, max_length=100, description="A name, or a part of it.", examples=["Ravi"])]
    limit: Annotated[
        int, Meta(ge=1, le=MOST, description="Items on a page.", examples=[20], extra={"error": N_("From 1 to 100.")})
    ] = 20
    after: Annotated[
        str, Meta(max_length=LONGEST, description="`next` of the page before.", examples=["WzEyLDIwXQ"])
    ] = ""


def customer_json(row: AnyRow, address: str | None = None, *, whole: bool = False) -> CustomerJson:
    """`whole`: with the contact."""
    return CustomerJson(
        id=row.id,
        full_name=row.full_name,
        email=row.email if row.left_at is None else "",
        phone=row.phone if whole else None,
        address=address if whole else None,
        pincode=row.pincode,
        place=row.place,
        active=not row.blocked,
        since=here(row.created_at),
    )


def professional_json(row: AnyRow, address: str | None = None, *, whole: bool = False) -> ProfessionalJson:
    """`whole`: with the contact."""
    return ProfessionalJson(
        id=row.id,
        full_name=row.full_name,
        email=row.email if row.left_at is None else "",
        phone=row.phone if whole else None,
        address=address if whole else None,
        pincode=row.pincode,
        place=row.place,
        trade=row.trade,
        experience_years=row.experience_years,
        standing=row.standing,
        denial_reason=row.denial_reason,
        rating=row.stars / 100 if row.stars else None,
        jobs=row.jobs,
        active=row.shown_as != BLOCKED,
        since=here(row.created_at),
    )


def profile_json(user: User, home: Address | None) -> ProfileJson:
    return ProfileJson(
        id=user.id,
        full_name=user.full_name,
        email=user.email,
        phone=user.phone,
        address=home.line if home else None,
        pincode=home.pincode if home else "",
    )
