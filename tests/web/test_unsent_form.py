"""Filling in the form of a page with what was typed before."""

from app.web.unsent_form import UnsentForm, fill_form

PAGE = """<!doctype html><body><form action="/search"><input name="text" value="tap"></form>
<form id="days"></form>
<form method="post" action="/jobs/7/extras"><input type="hidden" name="version" value="9"><input name="text">
<textarea name="why" rows="2">
old &amp; gone</textarea> <input type="radio" name="part" value="a" checked> <input type="radio" name="part" value="b">
<input type="checkbox" name="tick" checked><input type="checkbox" name="many" value="1">
<input type="password" name="text">
<select name="kind"><option value="x" selected>X</option><option value="y">Y</option></select>
<input form="days" name="text" value="elsewhere"></form><input name="text" value="after"></body>"""


def filled(*fields: tuple[str, str], action: str = "/jobs/7/extras") -> str | None:
    body = fill_form(PAGE.encode(), UnsentForm("/jobs/7", action, fields))
    return body.decode() if body else None


def test_every_kind_of_field_of_the_form_alone_is_filled():
    page = filled(
        ("text", 'a "b" <c>'), ("why", "</textarea>&"), ("part", "b"), ("many", "1"), ("kind", "y"), ("version", "8")
    )
    assert '<input name="text" value="a &quot;b&quot; &lt;c&gt;">' in page
    assert '<textarea name="why" rows="2">\n&lt;/textarea&gt;&amp;</textarea>' in page
    assert '<input type="radio" name="part" value="a">' in page
    assert '<input type="radio" name="part" value="b" checked="">' in page
    assert '<input type="checkbox" name="tick">' in page
    assert '<input type="checkbox" name="many" value="1" checked="">' in page
    assert '<option value="x">X</option><option value="y" selected="">Y</option>' in page
    for unchanged in (
        'value="tap"',
        'value="9"',
        'value="elsewhere"',
        'value="after"',
        '<input type="password" name="text">',
    ):
        assert unchanged in page, unchanged


def test_a_choice_that_is_gone_leaves_the_pages_own():
    assert '<input type="radio" name="part" value="a" checked>' in filled(("part", "z"))


def test_a_page_without_the_form_is_left_alone():
    assert filled(("text", "x"), action="/jobs/8/extras") is None
    assert filled(("text", "x"), action="/search") is None
