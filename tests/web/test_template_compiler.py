"""What the compiler makes of templates is what plain Jinja makes of them, in every language and for everyone."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from app.core import i18n
from app.site_settings.contacts import Contacts
from app.web.static import Assets
from app.web.templating import TEMPLATES, Templates
from bench.rendering import PlainTemplates
from tests.pseudo import LOCALE, offered_in

MACROS = """
{%- macro icon(name, label=None, size=20) -%}
  <svg class="{{ name }}" data-size="{{ size }}">{{ label or _("Sign in") }}</svg>{{ asset("app.css") }}
{%- endmacro -%}
{%- macro note(text, kind="calm") -%}
  <p class="{{ kind }}">{{ text }}{% if caller is defined %}{{ caller() }}{% endif %}</p>
{%- endmacro -%}
{%- macro named(first) -%}{{ first }}{% for name in varargs %}, {{ name }}{% endfor %}{{ kwargs }}{%- endmacro -%}
{%- macro price(paise) -%}{{ paise|money }}{%- endmacro -%}
{%- macro reader() -%}{{ me }}{%- endmacro -%}
"""
ROW = """{% from "macros.html" import icon %}{% set name = name|default("row") ~ "!" %}
{{ icon(name) }}{{ row }}{% if row == "b" %}{% include "inner.html" %}{% endif %}"""
INNER = """{% macro own(text) %}[{{ text }}]{% endmacro %}{{ own(row) }}{{ icon("inner") }}{% include "loop.html" %}"""
LOOP = "{{ loop is defined }}{% for row in [1, 2] %}{{ loop.index }}{{ row }}{% endfor %}{% set row = row %}{{ row }}"
SOURCES = [
    "{% trans %}Sign in{% endtrans %} {{ _('Sign in') }} {{ _('Sign in')|upper }}",
    "{% trans %}15 % of <b>that</b>{% endtrans %}",
    "{{ _('100%% of %(what)s', what=markup) }}{{ _('%(what)s%(what)s', what=text) }}",
    "{% trans name=text, other=markup %}Hello {{ name }}, not {{ other }}, {{ name }}.{% endtrans %}",
    "{% trans n=number %}{{ n }} job{% pluralize %}{{ n }} jobs{% endtrans %}",
    "{{ ngettext('%(num)s job', '%(num)s jobs', number) }}{{ ngettext('%(a)s', '%(a)s of %(num)s', number, a=text) }}",
    "{% set words = _('%(n)s km', n=text) %}{{ words }}{{ {'title': words}|xmlattr }}{{ words ~ text ~ markup }}",
    "{{ text ~ '<i>' }}{{ markup ~ '<i>' }}{{ none ~ number }}{{ [1, 2]|join('<') }}",
    "{% from 'macros.html' import icon %}{{ icon('<a>') }}{{ icon('b', _('Sign in'), size=24) }}{{ icon(text) }}",
    "{% from 'macros.html' import icon as sign %}{{ sign(name=text, label=markup) }}{{ [sign('x')]|join(text) }}",
    "{% from 'macros.html' import icon %}{% for icon in [text] %}{{ icon }}{% endfor %}{{ icon('c') }}",
    "{% from 'macros.html' import note %}{{ note('a') }}{% call note('b', kind=text) %}{{ text }}{% endcall %}",
    "{% from 'macros.html' import named %}{{ named('a') }}{{ named(text, 'b', key=number) }}",
    "{% from 'macros.html' import price, reader %}{{ price(1490000) }}{{ price(number) }}",
    "{% import 'macros.html' as macros %}{{ macros.icon('a') }}{% call macros.note(text) %}x{% endcall %}",
    "{% macro own(a, b=text) %}{{ a }}-{{ b }}{% endmacro %}{{ own(text) }}{{ own('x', b=markup) }}{{ own }}",
    "{% for row in ['a', 'b', text] %}{% include 'row.html' %}{% else %}none{% endfor %}{{ row|default('gone') }}",
    "{% for row in ['a'] %}{% with name=text %}{% include 'row.html' %}{% endwith %}{% endfor %}{{ name|default('') }}",
    "{{ data.items()|list }}{{ data['<a>'].x }}{{ text.replace('<', markup) }}{{ text.split() }}",
    "{% for key, value in data|dictsort %}{{ loop.cycle('a', 'b') }}{{ key }}{{ value.get('x', markup) }}{% endfor %}",
]


ASSETS = Assets()


@pytest.fixture(scope="module", autouse=True)
def tamil(tmp_path_factory):
    with offered_in(tmp_path_factory.mktemp("translations")):
        yield


@pytest.fixture(params=[i18n.DEFAULT_LOCALE, LOCALE])
def language(request):
    token = i18n.locale.set(request.param)
    yield request.param
    i18n.locale.reset(token)


@pytest.mark.parametrize("source", SOURCES)
def test_a_template_shows_what_jinja_shows(language, tmp_path, source):
    for name, text in (
        ("macros.html", MACROS),
        ("row.html", ROW),
        ("inner.html", INNER),
        ("loop.html", LOOP),
        ("page.html", source),
    ):
        (tmp_path / name).write_text(text)
    compiled, plain = (kind(ASSETS, folder=tmp_path) for kind in (Templates, PlainTemplates))
    for number, plain_text in product((0, 1, 2), (False, True)):
        values = {
            "text": "<Asha & Ravi>",
            "markup": Markup("<b>bold</b>"),
            "number": number,
            "data": {"<a>": {"x": number}, "items": {}},
            "me": f"reader {number}",
        }
        pages = [kind.get_template("page.html", plain_text=plain_text).render(values) for kind in (compiled, plain)]
        assert pages[0] == pages[1]


@pytest.mark.parametrize("source", ["{{ missing }}", "{{ missing('a') }}", "{{ _('%(n)s km', n=missing) }}"])
def test_a_missing_name_is_an_error(source):
    with pytest.raises(UndefinedError):
        Templates().environment().from_string(source).render()


def test_a_macro_that_reads_more_than_its_arguments_is_called_each_time(tmp_path):
    (tmp_path / "macros.html").write_text("{% macro token() %}{{ csrf_token() }}{% endmacro %}")
    (tmp_path / "page.html").write_text("{% from 'macros.html' import token %}{{ token() }}")
    tokens = iter("abc")
    templates = Templates(folder=tmp_path, more_globals={"csrf_token": lambda: next(tokens)})
    assert [templates.get_template("page.html").render() for _ in range(3)] == ["a", "b", "c"]


def test_a_static_file_that_changes_has_its_new_address_on_every_page(tmp_path):
    static, pages = tmp_path / "static", tmp_path / "templates"
    static.mkdir()
    pages.mkdir()
    (static / "a.txt").write_text("old")
    (pages / "page.html").write_text("{{ asset('a.txt') }}")
    assets = Assets(static, reload=True)
    templates = Templates(assets, reload=True, folder=pages)
    before = templates.get_template("page.html").render()
    assert before == assets.url("a.txt")
    (static / "a.txt").write_text("new")
    assert assets._watcher
    assets._watcher._checked_at = float("-inf")
    assert templates.get_template("page.html").render() == assets.url("a.txt") != before


@dataclass(frozen=True)
class Reader:
    name: str
    role: str
    unread: bool

    initials, tint, blocked = "RK", 28, None

    def may(self, _right: str) -> bool:
        return self.role == "admin"


READERS = [
    None,
    *(Reader(f"{role} {n}", role, n == 1) for role in ("customer", "professional", "admin") for n in (1, 2)),
]
LAYOUTS = sorted(path.relative_to(TEMPLATES).as_posix() for path in (TEMPLATES / "layouts").glob("[!_]*.html"))
PATHS = ("/", "/register", "/admin/bookings/7K3MQ9WD", "/profile")


def is_admin(reader: Reader | None) -> bool:
    return reader is not None and reader.role == "admin"


def layouts(templates: Templates, readers: list[Any]) -> dict[tuple[str, Any, str], str]:
    """Every layout for every reader and some addresses, in this order, as (layout, reader, path) → page."""
    pages = {}
    for name in LAYOUTS:
        for reader in readers if name != "layouts/admin.html" else filter(is_admin, readers):
            for path in PATHS if is_admin(reader) else PATHS[::-1]:
                is_busy = reader is not None and reader.unread
                pages[name, reader, path] = templates.get_template(name).render(
                    me=reader,
                    request_path=path,
                    flash=[{"kind": "done", "text": f"Saved for {reader.name}."}] if is_busy else [],
                    rail_counts={"/admin/dispatch": 12} if is_busy else {},
                    worker_silent=is_busy,
                )
    return pages


def test_no_layout_keeps_anything_of_another_reader(language):
    """Every layout for each role, twice, in both orders, with two people of each role and a token for each page."""
    tokens: list[int] = []

    def csrf_token() -> str:
        tokens.append(len(tokens))
        return f"token-{tokens[-1]}"

    csrf = {"csrf_token": csrf_token, "csrf_field": lambda: Markup(f'<input value="{csrf_token()}">')}
    more = {**csrf, "contacts": Contacts}
    compiled, plain = (kind(ASSETS, more_globals=more) for kind in (Templates, PlainTemplates))
    for readers in (READERS, READERS[::-1], READERS):
        shown = []
        for templates in (compiled, plain):
            tokens.clear()
            shown.append(layouts(templates, readers))
        assert shown[0] == shown[1]
        for (_, reader, _), page in shown[0].items():
            strangers = [other.name for other in READERS if other is not None and other != reader]
            assert not [name for name in strangers if name in page]


def test_every_language_has_its_own_constants():
    templates = Templates(ASSETS, more_globals={"contacts": Contacts})
    for locale in (i18n.DEFAULT_LOCALE, LOCALE, i18n.DEFAULT_LOCALE, LOCALE):
        token = i18n.locale.set(locale)
        page = templates.get_template("layouts/bare.html").render()
        i18n.locale.reset(token)
        assert ("⟦Terms⟧" in page, ">Terms<" in page) == (locale == LOCALE, locale != LOCALE)
