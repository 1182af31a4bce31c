"""The address of a table says what is on the screen."""

from types import SimpleNamespace

from app.web.table import view


def asked(query: str):
    request = SimpleNamespace(scope={"query_string": query.encode()})
    return view(request, "/admin/things", sorts=("since", "name"), default="-since", filters=("state", "area"))


def test_a_bare_address_is_the_default():
    one = asked("")
    assert (one.q, one.sort, one.descending, one.after, one.chosen["state"]) == ("", "since", True, "", "")
    assert one.url() == "/admin/things"
    assert not one.filtered


def test_what_is_asked_for_stands_in_every_link():
    one = asked("q=leaking+tap&state=open&sort=name&after=abc")
    assert one.url(after=one.after) == "/admin/things?q=leaking+tap&state=open&sort=name&after=abc"
    assert one.record_url(12) == "/admin/things/12?q=leaking+tap&state=open&sort=name&after=abc"
    assert one.record_url(12, tab="history").endswith("&tab=history")
    assert one.filtered


def test_any_change_begins_with_page_one_and_loses_nothing_else():
    one = asked("q=tap&state=open&after=abc")
    assert one.url(state="") == "/admin/things?q=tap"
    assert one.url(area="600020") == "/admin/things?q=tap&state=open&area=600020"
    assert one.url(after="def") == "/admin/things?q=tap&state=open&after=def"


def test_a_head_pressed_again_turns_the_order():
    one = asked("")
    assert one.aria_sort("since") == "descending"
    assert one.aria_sort("name") is None
    assert one.sort_url("name") == "/admin/things?sort=name"
    assert asked("sort=name").sort_url("name") == "/admin/things?sort=-name"
    assert asked("sort=-name").sort_url("name") == "/admin/things?sort=name"
    assert one.sort_url("since") == "/admin/things?sort=since"
    assert asked("sort=since").sort_url("since") == "/admin/things"


def test_nonsense_is_the_default_and_long_words_are_cut():
    one = asked("sort=password_hash&q=" + "x" * 500)
    assert (one.sort, one.descending) == ("since", True)
    assert len(one.q) == 100


def test_words_with_signs_come_back_as_they_were():
    one = asked("q=%25+%26+%3C%3E+%E0%AE%86")
    assert one.q == "% & <> ஆ"
    assert asked(one.url().split("?")[1]).q == one.q


def test_what_a_form_sends_along_is_all_but_words_and_page():
    assert asked("q=tap&state=open&sort=name&after=abc").fields == {"state": "open", "sort": "name"}
