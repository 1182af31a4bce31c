"""/admin/webhooks: who hears about bookings, how each delivery went, and what an admin does about it."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import IDS
from app.audit.history import History
from app.core import clock
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing, Refused
from app.core.i18n import _
from app.notifications.channel_repository import OFF_FOR
from app.notifications.channel_state import ChannelState
from app.web.admin import desk
from app.web.forms import form, read, shown_again
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.one_time_secret import keep_once, take_once
from app.web.render import flash, go
from app.webhooks import registration
from app.webhooks.channel import TOLD
from app.webhooks.repository import Webhooks
from app.webhooks.schemas import NewWebhook

PATH = "/admin/webhooks"
SHOWN_ONCE = "webhook"
MOST_SHOWN = 50


class WebhooksDesk(Controller):
    path = PATH
    opt = only("admin")

    @get(name="desk-webhooks")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _draw_all(request, db)

    @post(name="register_webhook", opt=only("admin", fresh=True))
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        sent = await form(request)
        try:
            webhook, secret = await registration.register(db, vault, me, read(NewWebhook, sent).url.strip())
        except Invalid as error:
            return await _draw_all(request, db, 422, values=shown_again(sent), errors=error.errors)
        except Refused as refusal:
            return await _draw_all(request, db, 409, values=shown_again(sent), refusal=refusal)
        keep_once(request, f"{SHOWN_ONCE}-{webhook.id}", secret)
        return go(request, f"{PATH}/{webhook.id}")


class WebhookDesk(Controller):
    path = f"{PATH}/{{webhook_id:int}}"
    opt = only("admin")

    @get(name="desk-webhook")
    async def show(
        self, request: Request, webhook_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        hooks = Webhooks(db)
        webhook = await hooks.get(_id(webhook_id), ended=True)
        state = (await hooks.states([webhook])).get(webhook.channel)
        return await desk(
            request,
            db,
            "webhooks/webhook.html",
            "webhooks/_webhook.html",
            webhook=webhook,
            state=state,
            how=_how(state),
            tried_again=state.disabled_at + OFF_FOR if state and state.disabled_at else None,
            secret=take_once(request, f"{SHOWN_ONCE}-{webhook.id}"),
            deliveries=await hooks.deliveries(webhook, MOST_SHOWN),
            most=MOST_SHOWN,
            told=TOLD,
            history=await History(db).of(webhook.subject),
        )

    @post("/test", name="test_webhook")
    async def test(
        self, request: Request, webhook_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await form(request)
        await registration.test(db, me, _id(webhook_id))
        flash(request, _("A test is on its way. What became of it stands below in a moment."))
        return go(request, f"{PATH}/{webhook_id}")

    @post("/secret", name="renew_webhook", opt=only("admin", fresh=True))
    async def renew(
        self,
        request: Request,
        webhook_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        vault: NamedDependency[Vault],
    ) -> HtmlResponse:
        await form(request)
        secret = await registration.renew(db, vault, me, _id(webhook_id))
        keep_once(request, f"{SHOWN_ONCE}-{webhook_id}", secret)
        return go(request, f"{PATH}/{webhook_id}")

    @post("/opening", name="open_webhook")
    async def switch_on(
        self, request: Request, webhook_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await form(request)
        await registration.switch_on(db, me, _id(webhook_id))
        flash(request, _("It is on. What waited goes out now."))
        return go(request, f"{PATH}/{webhook_id}")

    @post("/end", name="end_webhook", opt=only("admin", fresh=True))
    async def end(
        self, request: Request, webhook_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await form(request)
        await registration.end(db, me, _id(webhook_id))
        flash(request, _("It is ended. Nothing more goes there."))
        return go(request, PATH)


async def _draw_all(
    request: Request,
    db: AsyncSession,
    status: int = 200,
    *,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    refusal: Refused | None = None,
) -> HtmlResponse:
    hooks = Webhooks(db)
    webhooks = await hooks.living()
    states = await hooks.states(webhooks)
    return await desk(
        request,
        db,
        "webhooks/webhooks.html",
        status=status,
        webhooks=webhooks,
        how={one.id: _how(states.get(one.channel)) for one in webhooks},
        values=values or {},
        errors=errors or {},
        refusal=refusal,
    )


def _how(state: ChannelState | None) -> str:
    """open, waiting as they asked, failing now and then, or off."""
    if state is None:
        return "open"
    if state.disabled_at is not None:
        return "off"
    if state.wait_until is not None and state.wait_until > clock.now():
        return "waits"
    return "failing" if state.failures else "open"


def _id(number: int) -> int:
    if number not in IDS:
        raise Missing
    return number
