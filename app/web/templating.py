"""Templates with strict undefined, autoescaping and translations; filters for money, times and distances."""

import math
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.numbers import format_decimal
from babel.support import NullTranslations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from app.core import clock, i18n
from app.core.addresses import format_address, format_area, with_details
from app.core.datetimes import (
    format_clock_range,
    format_clock_time,
    format_date_pattern,
    format_datetime,
    format_datetime_range,
    format_day,
    format_duration,
    format_near_time,
    to_ist,
)
from app.core.i18n import _, ngettext
from app.core.money import format_rupees
from app.core.person_names import split_name
from app.web.reload import FolderWatcher
from app.web.security import with_next
from app.web.static import Assets
from app.web.template_compiler import LanguageEnvironment

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


class Templates:
    """The templates of pages and emails, in an environment for each language, made when the language is first read.

    `more_globals`: what templates know besides their variables and the functions here.
    """

    def __init__(
        self,
        assets: Assets | None = None,
        *,
        reload: bool = False,
        folder: Path = TEMPLATES,
        more_globals: Mapping[str, Any] | None = None,
    ) -> None:
        self.loader = _TemplateLoader(folder, assets, reload=reload)
        self._reload = reload
        self._constants: dict[str, Callable[..., object]] = {"asset": assets.url} if assets is not None else {}
        self._globals = {"now": clock.now, "today": clock.today, "locale": i18n.locale.get, **(more_globals or {})}
        self._environments: dict[tuple[NullTranslations, bool], LanguageEnvironment] = {}

    def get_template(self, name: str, *, plain_text: bool = False) -> Template:
        """The template in the reader's language. `plain_text`: nothing is escaped, and the ends of lines count."""
        return self.environment(plain_text=plain_text).get_template(name)

    def environment(self, *, plain_text: bool = False) -> LanguageEnvironment:
        """The environment of the reader's language, without access to the request."""
        key = i18n.translations_for(i18n.locale.get()), plain_text
        if key not in self._environments:
            self._environments[key] = self._create(*key)
        return self._environments[key]

    def _create(self, catalogue: NullTranslations, plain_text: bool) -> LanguageEnvironment:
        env = LanguageEnvironment(
            catalogue,
            self._constants,
            self.loader.version,
            loader=self.loader,
            auto_reload=self._reload,
            autoescape=not plain_text,
            undefined=StrictUndefined,
            trim_blocks=not plain_text,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        env.policies["ext.i18n.trimmed"] = True
        env.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
        # Faster than Jinja's own wrappers.
        env.globals.update(gettext=_gettext, ngettext=_ngettext, _=_gettext, **self._globals)
        env.filters.update(FILTERS)
        return env


@pass_eval_context
def _gettext(context: EvalContext, text: str, /, **values: object) -> str:
    """{% trans %} and _() of templates, where they are not constants: values are escaped, the text is not."""
    return _interpolate(i18n.gettext(text), values, context.autoescape)


@pass_eval_context
def _ngettext(context: EvalContext, singular: str, plural: str, num: int, /, **values: object) -> str:
    return _interpolate(i18n.raw_ngettext(singular, plural, num), {"num": num, **values}, context.autoescape)


def _interpolate(translated: str, values: dict[str, object], escaping: bool) -> str:
    return (Markup(translated) if escaping else translated) % values


class _TemplateLoader(FileSystemLoader):
    """In development every template is compiled again after any change, because it contains what other templates'
    macros return, and addresses of static files.
    """

    def __init__(self, folder: Path, assets: Assets | None, *, reload: bool) -> None:
        super().__init__(folder)
        self._assets = assets
        # The same list object: tests add a folder to it later.
        self._watcher = FolderWatcher(self.searchpath) if reload else None

    def version(self) -> Hashable:
        """Another value when compiled templates may be out of date."""
        return self._watcher.newest() if self._watcher else 0.0, self._assets.version if self._assets else ""

    def get_source(self, env: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, path, _ = super().get_source(env, template)
        version = self.version()
        return source, path, lambda: self.version() == version


def weekday(moment: datetime | date) -> str:
    """Tue."""
    return format_date_pattern(moment, "EEE")


def date_only(moment: datetime | date) -> str:
    """18 Nov; of another year, 18 Nov 2025."""
    local_date = to_ist(moment).date() if isinstance(moment, datetime) else moment
    return format_date_pattern(local_date, "d MMM" if local_date.year == clock.today().year else "d MMM y")


def month_of(day: date) -> str:
    """November 2026."""
    return format_date_pattern(day, "LLLL y")


def near_day(moment: datetime) -> str:
    """Today, Tomorrow, Tue 24 Nov."""
    days = (to_ist(moment).date() - clock.today()).days
    return _("Today") if days == 0 else _("Tomorrow") if days == 1 else format_day(moment)


def iso(moment: datetime | date) -> str:
    """For <time datetime>: with the offset of Asia/Kolkata."""
    return to_ist(moment).isoformat(timespec="minutes") if isinstance(moment, datetime) else moment.isoformat()


def local_iso(moment: datetime) -> str:
    """2026-11-24T10:00, the value of a form field, in Asia/Kolkata."""
    return to_ist(moment).isoformat(timespec="minutes")[:16]


def relative_time(moment: datetime) -> str:
    """In 40 min; when it is past, 40 min ago."""
    left = moment - clock.now()
    minutes = math.floor(abs(left).total_seconds() / 60)
    if minutes < 1:
        return _("now") if left >= timedelta() else _("just now")
    length = format_duration(minutes) if minutes < 24 * 60 else ngettext("%(num)s day", "%(num)s days", minutes // 1440)
    return _("in %(length)s", length=length) if left > timedelta() else _("%(length)s ago", length=length)


def km(distance: float) -> str:
    """Never finer than half a kilometre: 2.5 km."""
    return _("%(n)s km", n=number(max(0.5, math.ceil(distance * 2) / 2)))


def number(value: float, digits: int = 1) -> str:
    """4.6; 12,34,567."""
    return _decimal(round(value, digits), "#,##,##0.##", i18n.locale.get())


def stars(mean: float) -> str:
    """4.6, always with one decimal."""
    return _decimal(mean, "0.0", i18n.locale.get())


@lru_cache(maxsize=4096)
def _decimal(value: float, pattern: str, locale: str) -> str:
    return str(format_decimal(value, pattern, locale))


def phone(text: str) -> str:
    """+91 98765 43210."""
    digits = "".join(char for char in text if char.isdigit())
    return f"+91 {digits[2:7]} {digits[7:]}" if len(digits) == 12 and digits.startswith("91") else text


def initials(name: str) -> str:
    """RK for "Ravi Kumar", also with a title before it, and for "Ravi K."."""
    parts = split_name(name).ordered or tuple(name.split())
    return (parts[0][:1] + (parts[-1][:1] if len(parts) > 1 else "")).upper() if parts else "?"


TINTS = (28, 50, 85, 118, 150, 178)


def tint(name: str) -> int:
    """The hue behind a person's initials; the same name always has the same hue."""
    return TINTS[sum(map(ord, name)) % len(TINTS)]


def spaced_code(code: str) -> str:
    """Format a code as two groups of three digits: 123 456."""
    return f"{code[:3]} {code[3:]}"


FILTERS: dict[str, Any] = {
    "money": format_rupees,
    "when": format_datetime,
    "span": format_datetime_range,
    "month": month_of,
    "day": format_day,
    "near_day": near_day,
    "weekday": weekday,
    "date": date_only,
    "translate": i18n.gettext,  # of a constant marked with N_; escaped like any text
    "clock": format_clock_time,
    "near_time": format_near_time,
    "full_address": format_address,
    "with_details": with_details,
    "area": format_area,
    "clock_span": format_clock_range,
    "iso": iso,
    "local_iso": local_iso,
    "relative_time": relative_time,
    "minutes": format_duration,
    "km": km,
    "number": number,
    "stars": stars,
    "phone": phone,
    "initials": initials,
    "tint": tint,
    "spaced_code": spaced_code,
    "with_next": with_next,
    "translated": i18n.translate_stored,  # for texts marked with N_; text typed by users is unchanged
}
