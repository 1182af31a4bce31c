"""The query string of an admin table describes its state."""

from types import SimpleNamespace
from typing import Any

from app.web.table import table_view


def params(query: str):
    request: Any = SimpleNamespace(scope={"query_string": query.encode()})
    return table_view(request, "/admin/things", sorts=("since", "name"), default="-since", filters=("state", "area"))


def test_a_bare_address_is_the_default():
    view = params("")
    assert (view.q, view.sort, view.descending, view.after, view.filters["state"]) == ("", "since", True, "", "")
    assert view.url() == "/admin/things"
    assert not view.filtered


def test_the_state_stands_in_every_link():
    view = params("q=leaking+tap&state=open&sort=name&after=abc")
    assert view.url(after=view.after) == "/admin/things?q=leaking+tap&state=open&sort=name&after=abc"
    assert view.record_url(12) == "/admin/things/12?q=leaking+tap&state=open&sort=name&after=abc"
    assert view.record_url(12, tab="history").endswith("&tab=history")
    assert view.filtered


def test_any_change_begins_with_page_one_and_loses_nothing_else():
    view = params("q=tap&state=open&after=abc")
    assert view.url(state="") == "/admin/things?q=tap"
    assert view.url(area="600020") == "/admin/things?q=tap&state=open&area=600020"
    assert view.url(after="def") == "/admin/things?q=tap&state=open&after=def"


def test_a_head_pressed_again_turns_the_order():
    view = params("")
    assert view.aria_sort("since") == "descending"
    assert view.aria_sort("name") is None
    assert view.sort_url("name") == "/admin/things?sort=name"
    assert params("sort=name").sort_url("name") == "/admin/things?sort=-name"
    assert params("sort=-name").sort_url("name") == "/admin/things?sort=name"
    assert view.sort_url("since") == "/admin/things?sort=since"
    assert params("sort=since").sort_url("since") == "/admin/things"


def test_nonsense_is_the_default_and_long_words_are_cut():
    view = params("sort=password_hash&q=" + "x" * 500)
    assert (view.sort, view.descending) == ("since", True)
    assert len(view.q) == 100


def test_words_with_signs_come_back_as_they_were():
    view = params("q=%25+%26+%3C%3E+%E0%AE%86")
    assert view.q == "% & <> ஆ"
    assert params(view.url().split("?")[1]).q == view.q


def test_what_a_form_sends_along_is_all_but_words_and_page():
    assert params("q=tap&state=open&sort=name&after=abc").fields == {"state": "open", "sort": "name"}
