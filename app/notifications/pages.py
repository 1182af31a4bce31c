"""What I was told, newest first; what I do not want to hear; one click that ends a kind of mail."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.auth import Me
from app.accounts.repository import IDS, Users
from app.accounts.user import Role
from app.core.encryption import Vault
from app.core.errors import Invalid, Missing
from app.core.i18n import N_, _
from app.notifications.inbox_repository import Notices
from app.notifications.kinds import KINDS
from app.notifications.notice import href_of, lines_of
from app.notifications.preference_repository import Wish, Wishes
from app.notifications.unsubscribe import subscription_of
from app.web.forms import Form, form, query, shown_again
from app.web.guards import everyone, signed_in
from app.web.http import HtmlResponse, Request
from app.web.render import flash, go, page

TOPICS = {
    "bookings": N_("Bookings and jobs"),
    "reminders": N_("Reminders"),
    "reports": N_("Monthly report"),
    "reviews": N_("Reviews"),
}
WAYS = {"inbox": N_("In the app"), "email": N_("By e-mail")}
FOR = {"reports": (Role.CUSTOMER,)}  # who hears of it at all; everybody else of everything


class NoticePages(Controller):
    path = "/notices"
    opt = signed_in()

    @get(name="notices")
    async def index(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        wish, mine = await Wishes(db).of(me.id), Notices(db, me.id)
        found = await mine.all(query(request).get("after"), _hidden(wish))
        notices = lines_of(found.items, await mine.bookings(found.items), me.id)
        return page(
            request, "notifications/notices.html", "notifications/_notices.html", notices=notices, next=found.next
        )

    @get("/bell", name="bell")
    async def bell(self, request: Request) -> HtmlResponse:
        return page(request, "notifications/bell.html", "layouts/_bell.html")

    @post("/read", name="read_notices")
    async def read(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        await form(request)
        await Notices(db, me.id).read_all()
        return go(request, "/notices")

    @post("/{notice_id:int}", name="open_notice")
    async def open(
        self, request: Request, notice_id: FromPath[int], me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        """Read, and on to what it is about."""
        await form(request)
        if notice_id not in IDS:
            raise Missing
        mine = Notices(db, me.id)
        notice = await mine.read(notice_id)
        booking = (await mine.bookings([notice])).get(notice.data.get("booking", ""))
        return go(request, href_of(notice, booking, me.id))


class PreferencePages(Controller):
    path = "/profile/notices"
    opt = signed_in()

    @get(name="preferences")
    async def show(self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]) -> HtmlResponse:
        return _draw(request, me, await Wishes(db).of(me.id))

    @post()
    async def update(
        self, request: Request, me: NamedDependency[Me], db: NamedDependency[AsyncSession]
    ) -> HtmlResponse:
        sent = await form(request)
        wanted = set(sent.all("wanted"))
        muted = {(topic, way) for topic in _topics(me) for way in WAYS if f"{topic}.{way}" not in wanted}
        try:
            quiet = _quiet_of(sent)
        except Invalid as error:
            wish = Wish(frozenset(muted), None)
            return _draw(request, me, wish, shown_again(sent), error.errors)
        user = await Users(db).get(me.id, lock=True)
        before = await Wishes(db).of(me.id)
        await Wishes(db).keep(me.id, muted, quiet)
        user.record("person.notices_changed", by=me, before=_told(before), after=_told(Wish(frozenset(muted), quiet)))
        flash(request, _("Saved."))
        return go(request, "/profile/notices")


class UnsubscribePages(Controller):
    """RFC 8058: mail programs send the POST by themselves, without a cookie or a form's token."""

    path = "/unsubscribe/{token:str}"
    opt = everyone(csrf=False)

    @get(name="unsubscribe")
    async def show(self, request: Request, token: FromPath[str], vault: NamedDependency[Vault]) -> HtmlResponse:
        _user_id, topic = subscription_of(vault, token)
        return page(request, "notifications/unsubscribe.html", token=token, topic=_(TOPICS[topic]), done=False)

    @post()
    async def create(
        self, request: Request, token: FromPath[str], db: NamedDependency[AsyncSession], vault: NamedDependency[Vault]
    ) -> HtmlResponse:
        user_id, topic = subscription_of(vault, token)
        user = await Users(db).get(user_id, lock=True)
        before = await Wishes(db).of(user_id)
        await Wishes(db).mute(user_id, topic, "email")
        after = await Wishes(db).of(user_id)
        if before != after:
            user.record("person.notices_changed", by=user, before=_told(before), after=_told(after))
        return page(request, "notifications/unsubscribe.html", token=token, topic=_(TOPICS[topic]), done=True)


def _hidden(wish: Wish) -> list[str]:
    return [name for name, kind in KINDS.items() if not wish.allows(kind, "inbox")]


def _topics(me: Me) -> list[str]:
    return [topic for topic in TOPICS if me.role in FOR.get(topic, tuple(Role))]


def _quiet_of(sent: Form) -> tuple[int, int] | None:
    """Two times of day, or neither."""
    typed = {name: sent.get(name, "").strip() for name in ("since", "until")}
    if not any(typed.values()):
        return None
    errors = {name: _("A time of day, please.") for name, text in typed.items() if _minutes(text) is None}
    if not errors and typed["since"] == typed["until"]:
        errors["until"] = _("Until another time than it begins.")
    if errors:
        raise Invalid(errors)
    return _minutes(typed["since"]) or 0, _minutes(typed["until"]) or 0


def _minutes(text: str) -> int | None:
    hours, _colon, minutes = text.partition(":")
    if not (hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit() and len(text) == 5):
        return None
    return int(hours) * 60 + int(minutes) if int(hours) < 24 and int(minutes) < 60 else None


def _told(wish: Wish) -> dict[str, Any]:
    return {"muted": sorted(f"{topic}.{way}" for topic, way in wish.muted), "quiet": list(wish.quiet or ())}


def _draw(
    request: Request, me: Me, wish: Wish, values: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> HtmlResponse:
    quiet = {
        name: f"{at // 60:02d}:{at % 60:02d}" for name, at in zip(("since", "until"), wish.quiet or (), strict=False)
    }
    return page(
        request,
        "notifications/preferences.html",
        status=422 if errors else 200,
        topics=[(topic, _(TOPICS[topic])) for topic in _topics(me)],
        ways=[(way, _(words)) for way, words in WAYS.items()],
        muted=wish.muted,
        values=values or quiet,
        errors=errors or {},
    )
