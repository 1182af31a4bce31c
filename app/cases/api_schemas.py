"""Bodies and answers of the API of cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.accounts.user import Role
from app.cases.case import MAX_MESSAGE_LENGTH, SAFETY_TOPICS
from app.cases.repository import ThreadMessage
from app.core.api_types import Body, Id, Moment, Paged, Paise, Price
from app.core.datetimes import to_ist
from app.core.events import Person
from app.core.i18n import N_
from app.core.money import format_decimal
from app.core.paging import AnyRow
from app.photos.schemas import PHOTOS_FIELD, PhotoList, photos_json

OutcomeName = Literal["none", "refund", "redo", "fee_returned", "payout_withheld"]
Side = Literal["customer", "professional"]
Author = Literal["you", "customer", "professional", "doorstep"]
MaybeMoment = Annotated[
    Moment | None, Meta(description="Null until then.", examples=["2026-12-01T10:00:00+05:30", None])
]
Reference = Annotated[str, Meta(description="Eight letters and digits.", examples=["7K3MQ9WD"])]


Topic = Annotated[
    str,
    Meta(
        max_length=40,
        description="Of a booking: late, absent, quality, price, damage, safety, no_show_fee, completed_by_clock,"
        " other. Of a job: customer_absent, unsafe, unpaid, damage, other.",
        examples=["quality"],
    ),
]
Story = Annotated[
    str, Meta(max_length=MAX_MESSAGE_LENGTH, description="What happened.", examples=["The tap still leaks."])
]
Message = Annotated[
    str, Meta(max_length=MAX_MESSAGE_LENGTH, description="Both sides read it.", examples=["It leaks again."])
]


class HelpBody(Body):
    """What went wrong."""

    topic: Topic
    message: Story


class HelpFields(Struct, kw_only=True):
    """The same in a multipart form, which may hold photos too."""

    topic: Topic
    message: Story


class MessageBody(Body):
    """A message in a case."""

    message: Message


class MessageFields(Struct, kw_only=True):
    """The same in a multipart form; the text may be empty if there are photos."""

    message: Message = ""


def _form(**texts: str) -> dict[str, Any]:
    """The schema of a multipart form with these fields and photos."""
    fields = {
        name: {"type": "string", "maxLength": MAX_MESSAGE_LENGTH, "description": text, "examples": [name]}
        for name, text in texts.items()
    }
    return {"type": "object", "additionalProperties": False, "properties": {**fields, "photos": PHOTOS_FIELD}}


HELP_FORM = _form(topic="What it is about.", message="What happened.") | {"required": ["topic", "message"]}
MESSAGE_FORM = _form(message="Both sides read it; it may be empty if there is a photo.")


class DecisionBody(Body):
    """Outcome, money and reason in one act."""

    outcome: Annotated[
        list[OutcomeName],
        Meta(
            description="One outcome, or two that go together.",
            examples=[["redo"]],
            extra={"error": N_("Choose an outcome.")},
        ),
    ]
    reason: Annotated[
        str,
        Meta(
            max_length=MAX_REASON_LENGTH,
            description="Both sides read it exactly as you write it.",
            examples=["The photos show the leak."],
        ),
    ]
    amount: Annotated[
        str,
        Meta(
            max_length=60,
            description="Rupees to refund, as text; empty where the outcome says how much.",
            examples=["149.00"],
        ),
    ] = ""
    borne_by: Annotated[
        Literal["doorstep", "shares"],
        Meta(
            description="`shares`: by the professional and Doorstep, pro rata.",
            examples=["doorstep"],
            extra={"error": N_("Choose who bears the refund.")},
        ),
    ] = "doorstep"


class CaseMessageJson(Struct, kw_only=True):
    """A message of a case."""

    author: Annotated[Author, Meta(description="Who wrote it.", examples=["customer"])]
    text: Annotated[
        str, Meta(description="What was written; empty if there are photos alone.", examples=["The tap still leaks."])
    ]
    photos: PhotoList
    sent_at: Moment


class CaseJson(Struct, kw_only=True):
    """A case; `topic` is null for the other side of a case of safety. A list has no `messages`."""

    ref: Reference
    booking: Annotated[str, Meta(description="Reference of the booking.", examples=["7K3MQ9WD"])]
    service: Annotated[str, Meta(description="Name of the service.", examples=["Tap repair"])]
    side: Annotated[Side, Meta(description="Whose case it is.", examples=["customer"])]
    topic: Annotated[str | None, Meta(description="What it is about.", examples=["quality", None])]
    state: Annotated[Literal["open", "decided"], Meta(description="Whether it is decided.", examples=["open"])]
    opened_at: Moment
    answer_due_at: Moment
    decide_due_at: Moment
    first_answer_at: MaybeMoment
    decided_at: MaybeMoment
    outcome: Annotated[list[OutcomeName], Meta(description="Empty while it is open.", examples=[["redo"]])]
    amount: Annotated[Price | None, Meta(description="Rupees refunded.", examples=["149.00", None])]
    amount_paise: Annotated[Paise | None, Meta(description="The same in paise.", examples=[14900, None])]
    withheld_paise: Annotated[
        Paise | None,
        Meta(description="Of the professional's payout; null for the customer.", examples=[None, 12665]),
    ]
    payout_released_paise: Annotated[
        Paise | None,
        Meta(description="Withheld before the case was reopened; null for the customer.", examples=[None, 12665]),
    ]
    reason: Annotated[str | None, Meta(description="Reason of the decision.", examples=["…", None])]
    redo: Annotated[str | None, Meta(description="Reference of the second visit.", examples=["8K3MQ9WD", None])]
    messages: Annotated[list[CaseMessageJson], Meta(description="Oldest first.", examples=[[]])]


class AdminCaseJson(CaseJson, kw_only=True):
    """A case as admins read it."""

    customer_id: Id
    customer: Annotated[str, Meta(description="The customer's name.", examples=["Devi Nair"])]
    professional_id: Annotated[
        Id | None, Meta(description="Who had the job, null if it had no one.", examples=[12, None])
    ]
    professional: Annotated[str | None, Meta(description="Their name.", examples=["Mani Raj", None])]
    assigned_to: Annotated[str | None, Meta(description="The admin who took it.", examples=["Meena Iyer", None])]
    decided_by: Annotated[str | None, Meta(description="The admin who decided.", examples=["Meena Iyer", None])]
    borne_by: Annotated[
        Literal["doorstep", "shares"] | None, Meta(description="Who bears the amount.", examples=["doorstep", None])
    ]
    only_admin: Annotated[
        bool, Meta(description="Reopened by its decider, as there was no other admin.", examples=[False])
    ]


class CaseQuery(Paged):
    """Which cases of the queue."""

    tab: Annotated[
        Literal["open", "mine", "decided"],
        Meta(description="Open ones, those assigned to you, or decided ones.", examples=["open"]),
    ] = "open"


def case_json(
    row: AnyRow, me: Person, messages: Sequence[ThreadMessage] = (), redo: str | None = None
) -> CaseJson | AdminCaseJson:
    """The case as `me` may read it."""
    is_admin = me.role == Role.ADMIN
    hides_topic = row.topic in SAFETY_TOPICS and not is_admin and row.side != me.role
    reads_payout = me.role != Role.CUSTOMER
    fields = {
        "ref": row.reference,
        "booking": row.booking,
        "service": row.service_name,
        "side": str(row.side),
        "topic": None if hides_topic else row.topic,
        "state": str(row.state),
        "opened_at": to_ist(row.opened_at),
        "answer_due_at": to_ist(row.answer_due_at),
        "decide_due_at": to_ist(row.decide_due_at),
        "first_answer_at": _moment(row.first_answer_at),
        "decided_at": _moment(row.decided_at),
        "outcome": list(row.outcomes or ()),
        "amount": format_decimal(row.amount) if row.amount is not None else None,
        "amount_paise": row.amount,
        "withheld_paise": row.withheld if reads_payout else None,
        "payout_released_paise": row.payout_released if reads_payout else None,
        "reason": row.reason,
        "redo": redo,
        "messages": [
            CaseMessageJson(
                author=_author(message, row, me),
                text=message.text,
                photos=photos_json(message.photos, "/api/cases/photos"),
                sent_at=to_ist(message.created_at),
            )
            for message in messages
        ],
    }
    if not is_admin:
        return CaseJson(**fields)
    return AdminCaseJson(
        **fields,
        customer_id=row.customer_id,
        customer=row.customer,
        professional_id=row.professional_id,
        professional=row.professional,
        assigned_to=row.assigned_to,
        decided_by=row.decided_by,
        borne_by=row.borne_by,
        only_admin=row.only_admin,
    )


def _author(message: ThreadMessage, row: AnyRow, me: Person) -> Author:
    if message.author_id == me.id:
        return "you"
    if message.author_id == row.customer_id:
        return "customer"
    return "professional" if message.author_id == row.professional_id else "doorstep"


def _moment(moment: datetime | None) -> datetime | None:
    return to_ist(moment) if moment else None
