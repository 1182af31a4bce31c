"""JSON API: a customer's credit, and coupons for admins (W37)."""

from typing import Annotated, Any, Literal

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta, Struct, field, structs
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.core import clock
from app.core.api_types import Body, Moment, Paise, Price
from app.core.datetimes import to_ist
from app.core.money import format_decimal
from app.payments.credit import credit_balance, credit_lines
from app.promotions.coupon import Coupon, CouponKind
from app.promotions.coupons import create_coupon, end_coupon, read_terms
from app.promotions.referrals import invite_code
from app.promotions.repository import Coupons
from app.settings import Settings
from app.web.api import json_response, read_body
from app.web.guards import only
from app.web.http import JsonResponse, Request
from app.web.openapi import Doc

CODE = {"code": "Code of the coupon."}
Kind = Literal["amount", "percent"]
Code = Annotated[str, Meta(max_length=60, description="3 to 20 letters and digits.", examples=["WELCOME50"])]
Typed = Annotated[str, Meta(max_length=60)]
Day = Annotated[str, Meta(description="Day in Asia/Kolkata.", examples=["2026-12-01"])]
Count = Annotated[int | None, Meta(description="How often at most; null for no limit.", examples=[100, None])]


class CreditLineJson(Struct, kw_only=True):
    """One change of your credit."""

    kind: Annotated[str, Meta(description="credit, refund, credit_use or credit_return.", examples=["credit_use"])]
    source: Annotated[
        str | None,
        Meta(
            description="Of added credit: `gateway` (a refund), `guarantee` (an apology) or `coupons` (a referral).",
            examples=["guarantee", None],
        ),
    ]
    amount: Annotated[str, Meta(description="Rupees; negative when it paid for a booking.", examples=["-60.00"])]
    amount_paise: Annotated[int, Meta(description="The same amount in paise.", examples=[-6000])]
    at: Moment


class CreditJson(Struct, kw_only=True):
    """Your credit, the latest hundred changes of it, and your invite link."""

    balance: Price
    balance_paise: Paise
    lines: Annotated[list[CreditLineJson], Meta(description="Newest first.", examples=[[]])]
    invite_code: Annotated[str, Meta(description="The code of the link.", examples=["7K3MQ9WD"])]
    invite_link: Annotated[
        str,
        Meta(
            description="A friend who signs up with it brings both of you credit after their first visit.",
            examples=["https://doorstep.example/register?invite=7K3MQ9WD"],
        ),
    ]


class CouponBody(Body):
    """A new coupon; amounts in rupees as text."""

    code: Code
    kind: Annotated[Kind, Meta(description="What it takes off the price.", examples=["amount"])]
    value: Annotated[Typed, Meta(description="Rupees, or percent.", examples=["50.00"])]
    cap: Annotated[Typed, Meta(description="Rupees that a percentage takes off at most.", examples=["100.00"])] = ""
    from_day: Annotated[Typed, Meta(description="First day; today if empty.", examples=["2026-12-01"])] = field(
        default="", name="from"
    )
    until: Annotated[Typed, Meta(description="Last day; empty for no end.", examples=["2026-12-31"])] = ""
    per_person: Annotated[Typed, Meta(description="Uses per person; empty for no limit.", examples=["1"])] = ""
    total: Annotated[Typed, Meta(description="Uses in all; empty for no limit.", examples=["100"])] = ""
    first_visit: Annotated[
        Literal["yes", "no"], Meta(description="Whether it is for a customer's first visit only.", examples=["no"])
    ] = "no"


class CouponJson(Struct, kw_only=True):
    """A coupon."""

    code: Code
    kind: Annotated[Kind, Meta(description="What it takes off the price.", examples=["amount"])]
    value: Annotated[str, Meta(description="Rupees, or percent.", examples=["50.00"])]
    value_paise: Annotated[int | None, Meta(description="Of an amount: paise; else null.", examples=[5000, None])]
    cap_paise: Annotated[
        int | None, Meta(description="Paise that a percentage takes off at most; else null.", examples=[10000, None])
    ]
    from_day: Day = field(name="from")
    until: Annotated[Day | None, Meta(description="Last day; null for no end.", examples=["2026-12-31", None])]
    per_person: Count
    total: Count
    first_visit: Annotated[bool, Meta(description="For a customer's first visit only.", examples=[False])]
    used: Annotated[int, Meta(description="Bookings that use it now.", examples=[3])]
    state: Annotated[
        Literal["active", "coming", "over", "used_up", "ended"],
        Meta(description="Whether it may be used today.", examples=["active"]),
    ]


class CouponsJson(Struct, kw_only=True):
    """The latest two hundred coupons."""

    coupons: Annotated[list[CouponJson], Meta(description="Newest first.", examples=[[]])]


CREDIT = Doc(summary="Get your credit and your invite link", tag="Credit", responses={200: CreditJson})
LIST = Doc(summary="List coupons", tag="Coupons", responses={200: CouponsJson})
CREATE = Doc(summary="Add a coupon", tag="Coupons", body=CouponBody, responses={201: CouponJson})
END = Doc(
    summary="End a coupon; bookings that use it keep it",
    tag="Coupons",
    path=CODE,
    responses={200: CouponJson},
    error_statuses=(409,),
)


class CreditApi(Controller):
    path = "/api/credit"

    @get(name="api_credit", opt=only("customer", api=True, doc=CREDIT))
    async def show(
        self, me: NamedDependency[Me], db: NamedDependency[AsyncSession], settings: NamedDependency[Settings]
    ) -> JsonResponse:
        balance, code = await credit_balance(db, me.id), invite_code(me.id)
        lines = [
            CreditLineJson(
                kind=line.kind,
                source=line.source,
                amount=f"{'-' if line.amount < 0 else ''}{format_decimal(abs(line.amount))}",
                amount_paise=line.amount,
                at=to_ist(line.at),
            )
            for line in await credit_lines(db, me.id)
        ]
        data = CreditJson(
            balance=format_decimal(balance),
            balance_paise=balance,
            lines=lines,
            invite_code=code,
            invite_link=f"{settings.base_url}/register?invite={code}",
        )
        return json_response(data)


class CouponApi(Controller):
    path = "/api/admin/coupons"
    opt = only("admin", api=True, right="money")

    @get(name="api_coupons", opt={"doc": LIST})
    async def index(self, db: NamedDependency[AsyncSession]) -> JsonResponse:
        return json_response(CouponsJson(coupons=[_coupon_json(coupon) for coupon in await Coupons(db).listed()]))

    @post("/new", name="api_add_coupon", opt={"doc": CREATE, "fresh": True})
    async def create(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        body = await read_body(request, CouponBody)
        typed: dict[str, Any] = structs.asdict(body)
        coupon = await create_coupon(db, me, read_terms(typed | {"from": body.from_day}))
        return json_response(_coupon_json(coupon), 201)

    @post("/{code:str}/end", name="api_end_coupon", status_code=200, opt={"doc": END, "fresh": True})
    async def end(
        self, code: FromPath[str], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> JsonResponse:
        return json_response(_coupon_json(await end_coupon(db, me, code)))


def _coupon_json(coupon: Coupon) -> CouponJson:
    is_amount = coupon.kind == CouponKind.AMOUNT
    return CouponJson(
        code=coupon.code,
        kind=coupon.kind.value,
        value=format_decimal(coupon.value) if is_amount else str(coupon.value),
        value_paise=coupon.value if is_amount else None,
        cap_paise=coupon.cap,
        from_day=coupon.from_day.isoformat(),
        until=coupon.until_day.isoformat() if coupon.until_day else None,
        per_person=coupon.per_person,
        total=coupon.total,
        first_visit=coupon.first_visit,
        used=coupon.used,
        state=coupon.state(clock.today()),
    )
