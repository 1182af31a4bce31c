"""Bookings in the API's JSON, and who may see which fields."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.accounts.contact_fields import MAX_FLOOR_LENGTH, MAX_LANDMARK_LENGTH
from app.accounts.names import public_name
from app.bookings.api_repository import ApiBooking
from app.bookings.code import reveal_code
from app.bookings.deadlines import is_contact_open
from app.bookings.moves import State
from app.bookings.schemas import MAX_NOTE_LENGTH
from app.core import clock, money
from app.core.api_types import Body, Id, Moment, Paise, Price
from app.core.datetimes import to_ist
from app.core.encryption import Encryption
from app.core.events import Person
from app.core.i18n import N_
from app.payments.shares import earning_of

# The four states of the first version of this API.
StatusWord = Literal["requested", "assigned", "closed", "cancelled"]
STATUS: Mapping[State, StatusWord] = {
    State.HELD: "requested",
    State.REQUESTED: "requested",
    State.ASSIGNED: "assigned",
    State.STARTED: "assigned",
    State.COMPLETED: "closed",
    State.CLOSED: "closed",
    State.CANCELLED: "cancelled",
}
StateName = Literal["held", "requested", "assigned", "started", "completed", "closed", "cancelled"]
STATE_NAMES: Mapping[State, StateName] = {
    State.HELD: "held",
    State.REQUESTED: "requested",
    State.ASSIGNED: "assigned",
    State.STARTED: "started",
    State.COMPLETED: "completed",
    State.CLOSED: "closed",
    State.CANCELLED: "cancelled",
}
Code = Annotated[
    str | None,
    Meta(
        description="6 digits, shown only to the customer and only while the code is valid; else null.",
        examples=["482917", None],
    ),
]
Start = Annotated[
    str,
    Meta(
        max_length=64,
        description="A free start time in ISO 8601. Without an offset it is Asia/Kolkata time.",
        examples=["2026-11-24T10:00:00+05:30"],
        extra={"error": N_("We can't read this time. Pick one.")},
    ),
]


class NamedService(Struct, kw_only=True):
    """The booked service."""

    id: Id
    name: Annotated[str, Meta(description="Name of the service at the time of booking.", examples=["Tap repair"])]


class PersonJson(Struct, kw_only=True):
    """The customer or the professional of a booking."""

    id: Id
    name: Annotated[
        str, Meta(description="Full name; customers see a professional as “Ravi K.”.", examples=["Ravi K."])
    ]
    phone: Annotated[
        str | None,
        Meta(
            description="Phone number. The other person sees it from acceptance until 24 hours after the job,"
            " unless it is hidden.",
            examples=["+919000000000"],
        ),
    ]


class BookingJson(Struct, kw_only=True):
    """A booking; fields that you may not see are null."""

    id: Id
    ref: Annotated[str, Meta(description="The booking's public reference.", examples=["7K3MQ9WD"])]
    service: NamedService
    customer: Annotated[
        PersonJson | None,
        Meta(
            description="Null for the professional before accepting, and from 24 hours after the job.", examples=[None]
        ),
    ]
    professional: Annotated[PersonJson | None, Meta(description="Null until a professional accepts.", examples=[None])]
    state: Annotated[StateName, Meta(description="The current state.", examples=["assigned"])]
    status: Annotated[StatusWord, Meta(description="The state, reduced to 4 values.", examples=["assigned"])]
    cancelled_as: Annotated[
        str | None, Meta(description="Who or what ended a cancelled booking; else null.", examples=["customer", None])
    ]
    date_of_request: Moment
    start: Moment
    end: Moment
    eta_from: Annotated[
        Moment | None,
        Meta(
            description="While the professional is on the way: when they are expected at the earliest; else null.",
            examples=["2026-11-24T09:50:00+05:30", None],
        ),
    ]
    eta_until: Annotated[
        Moment | None,
        Meta(
            description="While the professional is on the way: when they are expected at the latest; else null.",
            examples=["2026-11-24T10:05:00+05:30", None],
        ),
    ]
    date_of_completion: Annotated[
        Moment | None, Meta(description="When the job was completed.", examples=["2026-11-24T11:00:00+05:30", None])
    ]
    address: Annotated[
        str | None,
        Meta(
            description="House number and street, shown when the customer's phone number is.",
            examples=["12 Beach Road"],
        ),
    ]
    pincode: Annotated[str, Meta(description="6-digit pincode.", examples=["600020"])]
    place: Annotated[str, Meta(description="Name of the area.", examples=["Adyar"])]
    note: Annotated[
        str | None, Meta(description="The customer's note for the professional.", examples=["Ring twice.", None])
    ]
    floor: Annotated[
        str | None, Meta(description="Floor or unit, shown with the address.", examples=["2nd floor", None])
    ]
    landmark: Annotated[
        str | None, Meta(description="What is near the address, shown with it.", examples=["Opposite the temple", None])
    ]
    contact_name: Annotated[
        str | None,
        Meta(
            description="Who is at the door, if it isn't the customer; shown with the address.",
            examples=["Lakshmi Iyer", None],
        ),
    ]
    contact_phone: Annotated[
        str | None, Meta(description="Phone of the person at the door.", examples=["+919000000000", None])
    ]
    contact_email: Annotated[
        str | None,
        Meta(
            description="Where the start code is sent besides; shown only to the customer.",
            examples=["lakshmi@example.com", None],
        ),
    ]
    rating: Annotated[int | None, Meta(description="Rating of the review, 1 to 5.", examples=[5, None])]
    comments: Annotated[str | None, Meta(description="Text of the review.", examples=["Quick and clean.", None])]
    review_id: Annotated[
        int | None, Meta(description="ID of your review; null for everyone but the customer.", examples=[12, None])
    ]
    price: Price
    price_paise: Paise
    refunded_paise: Annotated[
        int | None,
        Meta(description="Paise refunded to the customer by Doorstep; null for professionals.", examples=[0, None]),
    ]
    coupon: Annotated[
        str | None,
        Meta(description="Code of the coupon that pays a part; null for professionals.", examples=["WELCOME50", None]),
    ]
    coupon_paise: Annotated[
        int | None, Meta(description="Paise that the coupon pays; null for professionals.", examples=[5000, None])
    ]
    credit_paise: Annotated[
        int | None, Meta(description="Paise paid with credit; null for professionals.", examples=[0, None])
    ]
    tip_paise: Annotated[
        int | None,
        Meta(description="Paise that the customer tipped; null for other professionals.", examples=[5000, None]),
    ]
    earning: Annotated[
        str | None,
        Meta(description="What the professional earns, in rupees; shown only to them.", examples=["126.65", None]),
    ]
    earning_paise: Annotated[int | None, Meta(description="The same amount in paise.", examples=[12665, None])]
    distance_km: Annotated[
        float | None, Meta(description="Distance of an offer, rounded to 0.5 km; else null.", examples=[2.5, None])
    ]
    start_code: Code
    finish_code: Code


class PaymentBody(Body):
    """The payment details, as in the payment form."""

    method: Annotated[
        Literal["card", "upi", "after", "saved"],
        Meta(description="Payment method; `after` means after the job, `saved` a remembered one.", examples=["after"]),
    ]
    card_number: Annotated[
        str, Meta(max_length=40, description="Card number; it is never stored.", examples=["4242 4242 4242 4242"])
    ] = ""
    expiry: Annotated[
        str, Meta(max_length=20, description="Expiry month and year of the card.", examples=["08/40"])
    ] = ""
    cvv: Annotated[str, Meta(max_length=10, description="Security code of the card.", examples=["123"])] = ""
    upi_id: Annotated[str, Meta(max_length=100, description="UPI ID.", examples=["success@doorstep"])] = ""
    code: Annotated[
        str, Meta(max_length=40, description="The code that the bank sent, if it asks for one.", examples=["123456"])
    ] = ""
    saved_id: Annotated[
        Id | None,
        Meta(description="The remembered method, if `method` is `saved`; else null.", examples=[7, None]),
    ] = None
    remember: Annotated[
        Literal["yes", "no"],
        Meta(description="Whether to remember this card or UPI ID for the next booking.", examples=["no"]),
    ] = "no"
    coupon: Annotated[str, Meta(max_length=60, description="Code of a coupon.", examples=["WELCOME50"])] = ""
    use_credit: Annotated[
        Literal["yes", "no"],
        Meta(
            description="Whether your credit pays as much as it can. If nothing is left, no bank is asked.",
            examples=["no"],
        ),
    ] = "no"


class BookBody(Body, kw_only=True):
    """A new booking, paid now or after the job."""

    service_id: Id
    start: Start
    address: Annotated[
        str, Meta(min_length=5, max_length=300, description="House number and street.", examples=["12 Beach Road"])
    ]
    pincode: Annotated[str, Meta(max_length=40, description="6-digit pincode.", examples=["600020"])]
    note: Annotated[
        str, Meta(max_length=MAX_NOTE_LENGTH, description="A note for the professional.", examples=["Ring twice."])
    ] = ""
    floor: Annotated[str, Meta(max_length=MAX_FLOOR_LENGTH, description="Floor or unit.", examples=["2nd floor"])] = ""
    landmark: Annotated[
        str,
        Meta(max_length=MAX_LANDMARK_LENGTH, description="What is near the address.", examples=["Opposite the temple"]),
    ] = ""
    contact_name: Annotated[
        str,
        Meta(
            max_length=120, description="Who is at the door, if it isn't you; needs a phone.", examples=["Lakshmi Iyer"]
        ),
    ] = ""
    contact_phone: Annotated[
        str, Meta(max_length=40, description="Phone of the person at the door.", examples=["+91 90000 00000"])
    ] = ""
    contact_email: Annotated[
        str,
        Meta(
            max_length=254,
            description="Email of the person at the door: they are sent the start code.",
            examples=["lakshmi@example.com"],
        ),
    ] = ""
    professional_id: Annotated[
        Id | None,
        Meta(description="The professional to ask first; null for any available professional.", examples=[12, None]),
    ] = None
    payment: PaymentBody


TypedCode = Annotated[
    str, Meta(max_length=64, description="start, complete: the code that the customer shares.", examples=["482917"])
]
Early = Annotated[
    bool,
    Meta(
        description="start: true to start more than 90 minutes before the slot; 409 without it.",
        examples=[True],
        extra={"error": N_("Send true or false.")},
    ),
]
WhyText = Annotated[
    str, Meta(max_length=300, description="return: required; pass, cancel: optional.", examples=["The van broke down."])
]
MostFee = Annotated[
    int,
    Meta(
        ge=0,
        le=2**53,
        description="cancel, reschedule: the highest fee that you accept, in paise; 409 if the fee is higher.",
        examples=[0],
    ),
]


AsCredit = Annotated[
    Literal["yes", "no"],
    Meta(description="cancel: whether the refund becomes credit for your next bookings.", examples=["no"]),
]


class EditBody(Body):
    """An action on a booking. Each action accepts only its own fields."""

    action: Annotated[
        Literal["accept", "pass", "return", "start", "complete", "cancel", "reschedule"],
        Meta(
            description="Customers can cancel and reschedule; professionals can take the other actions.",
            examples=["accept"],
        ),
    ]
    code: TypedCode | UnsetType = UNSET
    early: Early | UnsetType = UNSET
    reason: WhyText | UnsetType = UNSET
    start: Start | UnsetType = UNSET
    fee_paise: MostFee | UnsetType = UNSET
    as_credit: AsCredit | UnsetType = UNSET


def booking_json(
    me: Person,
    booking: ApiBooking,
    encryption: Encryption,
    distances_km: Mapping[str, float | None] | None = None,
) -> BookingJson:
    """The booking as `me` may see it; `distances_km` by reference, for those offered to `me`, a professional."""
    own = me.role == "customer" and booking.customer_id == me.id
    holds = me.role == "professional" and booking.professional_id == me.id
    is_open = booking.contact_ended_at is None and is_contact_open(booking.state, booking.completed_at, clock.now())
    near = own or (holds and is_open)
    is_expected = booking.state == State.ASSIGNED
    earning = earning_of(booking.total if holds else booking.price) if me.role == "professional" else None
    return BookingJson(
        id=booking.id,
        ref=booking.reference,
        service=NamedService(id=booking.service_id, name=booking.service_name),
        customer=_customer(me, booking, own=own, near=near),
        professional=_professional(me, booking, holds=holds, shares=own and is_open),
        state=STATE_NAMES[booking.state],
        status=STATUS[booking.state],
        cancelled_as=booking.cancelled_as,
        date_of_request=to_ist(booking.created_at),
        start=to_ist(booking.starts_at),
        end=to_ist(booking.ends_at),
        eta_from=to_ist(booking.eta_from) if booking.eta_from and is_expected else None,
        eta_until=to_ist(booking.eta_until) if booking.eta_until and is_expected else None,
        date_of_completion=to_ist(booking.completed_at) if booking.completed_at else None,
        address=booking.address if near else None,
        pincode=booking.pincode,
        place=booking.place,
        note=booking.note if near else None,
        floor=(booking.floor or None) if near else None,
        landmark=(booking.landmark or None) if near else None,
        contact_name=(booking.contact_name or None) if near else None,
        contact_phone=(booking.contact_phone or None) if near else None,
        contact_email=(booking.contact_email or None) if own else None,
        rating=booking.rating,
        comments=booking.comment,
        review_id=booking.review_id if own else None,
        price=money.format_decimal(booking.price),
        price_paise=booking.price,
        refunded_paise=booking.refunded if own or me.role == "admin" else None,
        coupon=booking.coupon if own or me.role == "admin" else None,
        coupon_paise=booking.coupon_paid if own or me.role == "admin" else None,
        credit_paise=booking.credit_paid if own or me.role == "admin" else None,
        tip_paise=(booking.tip or 0) if own or holds or me.role == "admin" else None,
        earning=money.format_decimal(earning) if earning is not None else None,
        earning_paise=earning,
        distance_km=(distances_km or {}).get(booking.reference),
        start_code=_code(booking, "start", encryption) if own else None,
        finish_code=_code(booking, "finish", encryption) if own else None,
    )


def _customer(me: Person, booking: ApiBooking, *, own: bool, near: bool) -> PersonJson | None:
    if not (near or me.role == "admin"):
        return None
    return PersonJson(
        id=booking.customer_id,
        name=booking.customer_name,
        phone=booking.customer_phone if own else booking.shared_customer_phone if near else None,
    )


def _professional(me: Person, booking: ApiBooking, *, holds: bool, shares: bool) -> PersonJson | None:
    if booking.professional_id is None or booking.professional_name is None:
        return None
    whole = holds or me.role == "admin"
    return PersonJson(
        id=booking.professional_id,
        name=booking.professional_name if whole else public_name(booking.professional_name),
        phone=booking.professional_phone if holds else booking.shared_professional_phone if shares else None,
    )


def _code(booking: ApiBooking, phase: str, encryption: Encryption) -> str | None:
    return reveal_code(booking.encrypted_code, phase, encryption, booking.reference) if booking.phase == phase else None
