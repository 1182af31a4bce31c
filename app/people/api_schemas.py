"""JSON of users. Phone and address appear only if the view is logged or they are the reader's own."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.accounts.address import Address
from app.accounts.user import User
from app.core.api_types import Body, Id, Moment
from app.core.datetimes import to_ist
from app.core.i18n import N_
from app.core.paging import MAX_CURSOR_LENGTH, MAX_PAGE_SIZE, AnyRow
from app.vetting.api_schemas import Active, Line, Mail, Name, Phone, Pin, PlaceName, ReasonText

SharePhone = Annotated[
    bool,
    Meta(
        description="Whether the other side of your bookings sees your phone, unless you choose otherwise for one.",
        examples=[True],
    ),
]


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


Gstin = Annotated[
    str, Meta(max_length=40, description="GSTIN for invoices; empty for none.", examples=["33AAAAA0000A1Z9"])
]
BusinessName = Annotated[
    str, Meta(max_length=120, description="Name of the business on invoices; may be empty.", examples=["Nair Traders"])
]


class ProfileJson(Struct, kw_only=True):
    """Your own account."""

    id: Id
    full_name: Name
    email: Mail
    phone: Phone
    share_phone: SharePhone
    gstin: Gstin
    business_name: BusinessName
    address: Line
    pincode: Pin


class ProfileBody(Body):
    """Changes to your own account; omitted fields keep their values. Send address and pincode together."""

    full_name: Annotated[str, Meta(max_length=120, description="Full name.", examples=["Lakshmi Iyer"])] | UnsetType = (
        UNSET
    )
    phone: (
        Annotated[str, Meta(max_length=40, description="Indian mobile number.", examples=["+91 90000 00000"])]
        | UnsetType
    ) = UNSET
    address: (
        Annotated[str, Meta(max_length=300, description="House number and street.", examples=["12 Beach Road"])]
        | UnsetType
    ) = UNSET
    pincode: Annotated[str, Meta(max_length=40, description="6-digit pincode.", examples=["600020"])] | UnsetType = (
        UNSET
    )
    share_phone: SharePhone | UnsetType = UNSET
    gstin: Gstin | UnsetType = UNSET
    business_name: BusinessName | UnsetType = UNSET


class StatusBody(Body):
    """Block or unblock an account."""

    blocked: Annotated[bool, Meta(description="True to block, false to unblock.", examples=[True])]
    reason: ReasonText


class NameQuery(Struct, kw_only=True):
    """A name, and the query of every list."""

    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="What to search for: a name, trade, area, email or phone.",
            examples=["Ravi"],
        ),
    ]
    limit: Annotated[
        int,
        Meta(
            ge=1,
            le=MAX_PAGE_SIZE,
            description="Maximum number of items on a page.",
            examples=[20],
            extra={"error": N_("Enter a number from 1 to 100.")},
        ),
    ] = 20
    after: Annotated[
        str, Meta(max_length=MAX_CURSOR_LENGTH, description="`next` of the previous page.", examples=["WzEyLDIwXQ"])
    ] = ""


def customer_json(row: AnyRow, address: str | None = None, *, whole: bool = False) -> CustomerJson:
    """`whole`: with phone and address."""
    return CustomerJson(
        id=row.id,
        full_name=row.full_name,
        email=row.email if row.deleted_at is None else "",
        phone=row.phone if whole else None,
        address=address if whole else None,
        pincode=row.pincode,
        place=row.place,
        active=not row.blocked,
        since=to_ist(row.created_at),
    )


def profile_json(user: User, home: Address | None, on_invoices: Mapping[str, str]) -> ProfileJson:
    return ProfileJson(
        id=user.id,
        full_name=user.full_name,
        email=user.email,
        phone=user.phone,
        share_phone=user.share_phone,
        gstin=on_invoices["gstin"],
        business_name=on_invoices["business_name"],
        address=home.line if home else None,
        pincode=home.pincode if home else "",
    )
