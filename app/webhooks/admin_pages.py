"""/admin/webhooks: register and end webhooks, and see every delivery."""

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS
from app.audit.history import History
from app.core import clock
from app.core.encryption import Encryption
from app.core.errors import Missing
from app.core.i18n import _
from app.notifications.channel import ChannelState
from app.notifications.channel_repository import DISABLED_FOR, ChannelStates
from app.web.actions import Rejection, submit
from app.web.admin import admin_page
from app.web.forms import parse_form
from app.web.guards import only
from app.web.http import HtmlResponse, Request
from app.web.one_time_secret import store_secret, take_secret
from app.web.render import flash, redirect
from app.web.validation import validate_form
from app.webhooks import registration
from app.webhooks.channel import topics
from app.webhooks.repository import WebhookRepository
from app.webhooks.schemas import NewWebhook

PATH = "/admin/webhooks"
ONE_TIME_SECRET = "webhook"  # pragma: allowlist secret
MAX_DELIVERIES_SHOWN = 50


class WebhookListAdminPages(Controller):
    path = PATH
    opt = only("admin")

    @get(name="admin-webhooks")
    async def index(self, request: Request, db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return await _render_list(request, db)

    @post(name="register_webhook", opt=only("admin", fresh=True))
    async def create(
        self,
        request: Request,
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        form = await parse_form(request)

        async def register() -> str:
            webhook, secret = await registration.register(
                db, encryption, me, validate_form(NewWebhook, form).url.strip()
            )
            store_secret(request, f"{ONE_TIME_SECRET}-{webhook.id}", secret)
            return f"{PATH}/{webhook.id}"

        return await submit(
            request,
            register,
            form=form,
            on_error=lambda rejection: _render_list(request, db, rejection),
            then=lambda path: path,
        )


class WebhookAdminPages(Controller):
    path = f"{PATH}/{{webhook_id:int}}"
    opt = only("admin")

    @get(name="admin-webhook")
    async def show(
        self, request: Request, webhook_id: FromPath[int], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        repository = WebhookRepository(db)
        webhook = await repository.get(_id(webhook_id), ended=True)
        state = (await ChannelStates(db).of([webhook.channel])).get(webhook.channel)
        return await admin_page(
            request,
            db,
            "webhooks/webhook.html",
            "webhooks/_webhook.html",
            webhook=webhook,
            state=state,
            webhook_status=_status(state),
            tried_again=state.disabled_at + DISABLED_FOR if state and state.disabled_at else None,
            secret=take_secret(request, f"{ONE_TIME_SECRET}-{webhook.id}"),
            deliveries=await repository.deliveries(webhook, MAX_DELIVERIES_SHOWN),
            max_deliveries=MAX_DELIVERIES_SHOWN,
            topics=topics(),
            history=await History(db).of(webhook.subject),
        )

    @post("/test", name="test_webhook")
    async def test(
        self, request: Request, webhook_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await parse_form(request)
        await registration.test(db, me, _id(webhook_id))
        flash(request, _("Test sent. The result will appear below in a moment."))
        return redirect(request, f"{PATH}/{webhook_id}")

    @post("/secret", name="renew_webhook", opt=only("admin", fresh=True))
    async def renew(
        self,
        request: Request,
        webhook_id: FromPath[int],
        me: NamedDependency[Me],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        await parse_form(request)
        secret = await registration.renew(db, encryption, me, _id(webhook_id))
        store_secret(request, f"{ONE_TIME_SECRET}-{webhook_id}", secret)
        return redirect(request, f"{PATH}/{webhook_id}")

    @post("/opening", name="open_webhook")
    async def switch_on(
        self, request: Request, webhook_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await parse_form(request)
        await registration.switch_on(db, me, _id(webhook_id))
        flash(request, _("Turned on. Waiting events are being sent now."))
        return redirect(request, f"{PATH}/{webhook_id}")

    @post("/end", name="end_webhook", opt=only("admin", fresh=True))
    async def end(
        self, request: Request, webhook_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        await parse_form(request)
        await registration.end(db, me, _id(webhook_id))
        flash(request, _("Webhook removed. Nothing more will be sent there."))
        return redirect(request, PATH)


async def _render_list(
    request: Request,
    db: AsyncSession,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    repository = WebhookRepository(db)
    webhooks = await repository.active()
    states = await ChannelStates(db).of([webhook.channel for webhook in webhooks])
    return await admin_page(
        request,
        db,
        "webhooks/webhooks.html",
        status=rejection.status if rejection else 200,
        webhooks=webhooks,
        statuses={webhook.id: _status(states.get(webhook.channel)) for webhook in webhooks},
        values=rejection.values if rejection else {},
        errors=rejection.errors if rejection else {},
        refusal=rejection.refusal if rejection else None,
    )


def _status(state: ChannelState | None) -> str:
    """open, waits (Retry-After of the server), failing (some attempts) or off."""
    if state is None:
        return "open"
    if state.disabled_at is not None:
        return "off"
    if state.wait_until is not None and state.wait_until > clock.now():
        return "waits"
    return "failing" if state.failures else "open"


def _id(number: int) -> int:
    if number not in ROW_IDS:
        raise Missing
    return number
