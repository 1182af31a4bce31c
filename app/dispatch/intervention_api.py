"""JSON API of what admins do to a booking by hand: cancel, move, reassign, note, write to either side."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from litestar import Controller, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.contact_fields import MAX_REASON_LENGTH
from app.bookings.api_repository import ApiBookings
from app.bookings.api_schemas import BookingJson, Start, booking_json
from app.bookings.booking import Booking
from app.bookings.schemas import read_start
from app.core.api_types import Body, Id
from app.core.encryption import Encryption
from app.core.i18n import N_
from app.dispatch import interventions
from app.web.api import json_response, read_body, row_id
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

B = TypeVar("B", bound=Body)
TAG = "Bookings for admins"
PATH_PARAMS = {"ref": "The booking's public reference."}
ReasonText = Annotated[
    str,
    Meta(
        max_length=MAX_REASON_LENGTH,
        description="The customer reads it exactly as you write it.",
        examples=["The professional is ill."],
    ),
]


class CancellationBody(Body):
    """Cancel for Doorstep."""

    reason: ReasonText
    fee: Annotated[
        Literal["none", "rule"],
        Meta(
            description="`rule`: the fee that the customer would pay for cancelling now.",
            examples=["none"],
            extra={"error": N_("Choose whether there is a fee.")},
        ),
    ] = "none"


class RescheduleBody(Body):
    """Move to another start, without a fee."""

    start: Start


class ReassignmentBody(Body):
    """Give an accepted or started job to another professional."""

    professional_id: Id
    reason: ReasonText


class NoteBody(Body):
    """A note for admins, in the booking's history."""

    text: Annotated[
        str,
        Meta(
            max_length=interventions.MAX_NOTE_LENGTH,
            description="What other admins should know.",
            examples=["The customer called at noon."],
        ),
    ]


class MessageBody(Body):
    """A message from Doorstep to one side of a booking."""

    to: Annotated[
        Literal["customer", "professional"],
        Meta(
            description="Who gets it, by email and on the booking's page.",
            examples=["customer"],
            extra={"error": N_("Choose whom you write to.")},
        ),
    ]
    text: Annotated[
        str,
        Meta(
            max_length=interventions.MAX_NOTE_LENGTH,
            description="They read it exactly as you write it.",
            examples=["The professional comes at 5 pm."],
        ),
    ]


def _doc(summary: str, body: type[Body]) -> Doc:
    return Doc(
        summary=summary, tag=TAG, body=body, path=PATH_PARAMS, responses={200: BookingJson}, error_statuses=(409,)
    )


@dataclass(frozen=True, slots=True)
class Call:
    """One request about the booking `ref`."""

    request: Request
    ref: str
    me: Me
    db: AsyncSession
    encryption: Encryption

    async def body(self, kind: type[B]) -> B:
        return await read_body(self.request, kind)

    async def respond(self, booking: Booking) -> JsonResponse:
        """The booking as it is now."""
        await self.db.flush()
        return json_response(booking_json(self.me, await ApiBookings(self.db).get(booking.id), self.encryption))


async def _call(
    request: Request,
    ref: FromPath[str],
    me: NamedDependency[Me],
    db: NamedDependency[AsyncSession],
    encryption: NamedDependency[Encryption],
) -> Call:
    return Call(request, ref, me, db, encryption)


class InterventionApi(Controller):
    path = "/api/admin/bookings/{ref:str}"
    opt = only("admin", api=True)
    dependencies = {"call": Provide(_call)}

    @post(
        "/cancellation",
        name="api_admin_cancellation",
        status_code=200,
        opt={"doc": _doc("Cancel a booking for Doorstep", CancellationBody)},
    )
    async def cancel(self, call: NamedDependency[Call]) -> JsonResponse:
        body = await call.body(CancellationBody)
        return await call.respond(
            await interventions.cancel(call.db, call.me, call.ref, body.reason, with_fee=body.fee == "rule")
        )

    @post(
        "/reschedule",
        name="api_admin_reschedule",
        status_code=200,
        opt={"doc": _doc("Move a booking to another start, without a fee", RescheduleBody)},
    )
    async def reschedule(self, call: NamedDependency[Call]) -> JsonResponse:
        body = await call.body(RescheduleBody)
        return await call.respond(await interventions.move(call.db, call.me, call.ref, read_start(body.start)))

    @post(
        "/reassignment",
        name="api_admin_reassignment",
        status_code=200,
        opt={"doc": _doc("Give an accepted or started job to another professional", ReassignmentBody)},
    )
    async def reassign(self, call: NamedDependency[Call]) -> JsonResponse:
        body = await call.body(ReassignmentBody)
        return await call.respond(
            await interventions.reassign(
                call.db, call.me, call.ref, row_id(body.professional_id), body.reason, call.encryption
            )
        )

    @post(
        "/note",
        name="api_admin_note",
        status_code=200,
        opt={"doc": _doc("Write a note into a booking's history", NoteBody)},
    )
    async def note(self, call: NamedDependency[Call]) -> JsonResponse:
        body = await call.body(NoteBody)
        return await call.respond(await interventions.add_note(call.db, call.me, call.ref, body.text))

    @post(
        "/message",
        name="api_admin_message",
        status_code=200,
        opt={"doc": _doc("Write to the customer or the professional of a booking", MessageBody)},
    )
    async def message(self, call: NamedDependency[Call]) -> JsonResponse:
        body = await call.body(MessageBody)
        return await call.respond(await interventions.send_message(call.db, call.me, call.ref, body.to, body.text))
