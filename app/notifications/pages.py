"""The inbox, the notification preferences, and one-click unsubscribing from emails."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import ROW_IDS, Users
from app.accounts.user import Role
from app.core.datetimes import MINUTES_PER_DAY, format_time_input, parse_clock_time
from app.core.encryption import Encryption
from app.core.errors import Invalid, Missing
from app.core.i18n import _
from app.notifications.channel import all_channels
from app.notifications.inbox import inbox_lines, item_url
from app.notifications.inbox_repository import InboxRepository
from app.notifications.kinds import KINDS
from app.notifications.preference import (
    TOPIC_ROLES,
    TOPICS,
    NotificationPreferences,
    parse_unsubscribe_token,
)
from app.notifications.preference_repository import PreferenceRepository
from app.web.actions import Rejection, submit
from app.web.forms import Form, parse_form, parse_query
from app.web.guards import everyone, signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import page, redirect


class InboxPages(Controller):
    path = "/notices"
    opt = signed_in()

    @get(name="notices")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        preferences, inbox = await PreferenceRepository(db).of(me.id), InboxRepository(db, me.id)
        items = await inbox.page(parse_query(request).get("after"), _muted_kinds(preferences))
        lines = inbox_lines(items.items, await inbox.bookings(items.items), me.id)
        return page(
            request, "notifications/notices.html", "notifications/_notices.html", notices=lines, next=items.next
        )

    @get("/bell", name="bell")
    async def bell(self, request: Request) -> HtmlResponse:
        return page(request, "notifications/bell.html", "layouts/_bell.html")

    @post("/read", name="read_notices")
    async def read(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        await parse_form(request)
        await InboxRepository(db, me.id).read_all()
        return redirect(request, "/notices")

    @post("/{notice_id:int}", name="open_notice")
    async def open(
        self, request: Request, notice_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Mark the item as read and redirect to what it is about."""
        await parse_form(request)
        if notice_id not in ROW_IDS:
            raise Missing
        inbox = InboxRepository(db, me.id)
        item = await inbox.read(notice_id)
        booking = (await inbox.bookings([item])).get(item.data.get("booking", ""))
        return redirect(request, item_url(item, booking, me.id))


class PreferencePages(Controller):
    path = "/profile/notices"
    opt = signed_in()

    @get(name="preferences")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return _render_preferences(request, me, await PreferenceRepository(db).of(me.id))

    @post()
    async def update(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        form = await parse_form(request)
        enabled = set(form.all("wanted"))
        muted = {
            (topic, channel)
            for topic in _topics(me)
            for channel in _mutable_channels()
            if f"{topic}.{channel}" not in enabled
        }

        async def save() -> None:
            quiet = _quiet_hours(form)
            user = await Users(db).get(me.id, lock=True)
            before = await PreferenceRepository(db).of(me.id)
            await PreferenceRepository(db).replace(me.id, muted, quiet)
            after = NotificationPreferences(frozenset(muted), quiet)
            user.record("person.notices_changed", by=me, before=_facts(before), after=_facts(after))

        return await submit(
            request,
            save,
            form=form,
            catch=(Invalid,),
            on_error=lambda rejection: _render_preferences(
                request, me, NotificationPreferences(frozenset(muted), None), rejection
            ),
            message=_("Saved."),
            then="/profile/notices",
        )


class UnsubscribePages(Controller):
    """RFC 8058: mail programs send the POST by themselves, without a cookie or a CSRF token."""

    path = "/unsubscribe/{token:str}"
    opt = everyone(csrf=False)

    @get(name="unsubscribe")
    async def show(
        self, request: Request, token: FromPath[str], encryption: NamedDependency[Encryption]
    ) -> HtmlResponse:
        _user_id, topic = parse_unsubscribe_token(encryption, token)
        return page(request, "notifications/unsubscribe.html", token=token, topic=_(TOPICS[topic]), done=False)

    @post()
    async def create(
        self,
        request: Request,
        token: FromPath[str],
        db: NamedDependency[AsyncSession],
        encryption: NamedDependency[Encryption],
    ) -> HtmlResponse:
        user_id, topic = parse_unsubscribe_token(encryption, token)
        user = await Users(db).get(user_id, lock=True)
        before = await PreferenceRepository(db).of(user_id)
        await PreferenceRepository(db).mute(user_id, topic, "email")
        after = await PreferenceRepository(db).of(user_id)
        if before != after:
            user.record("person.notices_changed", by=user, before=_facts(before), after=_facts(after))
        return page(request, "notifications/unsubscribe.html", token=token, topic=_(TOPICS[topic]), done=True)


def _muted_kinds(preferences: NotificationPreferences) -> list[str]:
    return [name for name, kind in KINDS.items() if not preferences.allows(kind, "inbox")]


def _topics(me: Me) -> list[str]:
    return [topic for topic in TOPICS if me.role in TOPIC_ROLES.get(topic, tuple(Role))]


def _mutable_channels() -> dict[str, str]:
    """Channel names with their labels."""
    return {channel.name: channel.preference_label for channel in all_channels() if channel.preference_label}


def _quiet_hours(form: Form) -> tuple[int, int] | None:
    """Both times of day in minutes, or None when neither is given. Raises Invalid."""
    times = {name: form.get(name, "").strip() for name in ("since", "until")}
    if not any(times.values()):
        return None
    errors = {name: _("Enter a time.") for name, text in times.items() if _minutes(text) is None}
    if not errors and times["since"] == times["until"]:
        errors["until"] = _("Choose an end that is different from the start.")
    if errors:
        raise Invalid(errors)
    return _minutes(times["since"]) or 0, _minutes(times["until"]) or 0


def _minutes(text: str) -> int | None:
    minutes = parse_clock_time(text)
    return None if minutes is None else minutes % MINUTES_PER_DAY


def _facts(preferences: NotificationPreferences) -> dict[str, Any]:
    """As the event stores them."""
    muted = sorted(f"{topic}.{channel}" for topic, channel in preferences.muted)
    return {"muted": muted, "quiet": list(preferences.quiet or ())}


def _render_preferences(
    request: Request,
    me: Me,
    preferences: NotificationPreferences,
    rejection: Rejection | None = None,
) -> HtmlResponse:
    quiet = {
        name: format_time_input(minutes)
        for name, minutes in zip(("since", "until"), preferences.quiet or (), strict=False)
    }
    return page(
        request,
        "notifications/preferences.html",
        status=rejection.status if rejection else 200,
        topics=[(topic, _(TOPICS[topic])) for topic in _topics(me)],
        channels=[(channel, _(label)) for channel, label in _mutable_channels().items()],
        muted=preferences.muted,
        values=(rejection.values if rejection else {}) or quiet,
        errors=rejection.errors if rejection else {},
    )
