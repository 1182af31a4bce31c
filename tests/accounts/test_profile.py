"""The pages of a user's own account."""

import asyncio

import pytest

from tests.accounts.conftest import PASSWORD, a_form

NEW = "entirely another sentence"


async def test_name_and_phone_are_changed(asha, email, scalar):
    page = await asha.visit("/profile")
    response = await asha.submit(page, "/profile", having="phone", full_name="Asha R", phone="098400 12345")
    assert (response.status, response.location) == (303, "/profile")
    assert "+91 98400 12345" in (await asha.visit("/profile")).text
    event_query = (
        "SELECT e.facts->>'fields' FROM events e JOIN users u ON e.subject = 'user-' || u.id WHERE u.email = :email"
    )
    assert await scalar(event_query + " ORDER BY e.seq DESC LIMIT 1", email=email) == '["full_name", "phone"]'


async def test_a_wrong_phone_keeps_what_was_typed(asha):
    page = await asha.visit("/profile")
    response = await asha.submit(page, "/profile", having="phone", full_name="Asha R", phone="12")
    assert response.status == 422
    assert 'id="phone-error"' in response.text
    assert 'value="Asha R"' in response.text


@pytest.mark.parametrize("field", ["full_name", "phone"])
async def test_huge_and_unreadable_fields_are_refused(asha, field):
    page = await asha.visit("/profile")
    for typed in ("x" * 900_000, "a\x00b"):
        sent = await asha.submit(page, "/profile", having="phone", **{field: typed})
        assert sent.status == 422


async def test_fields_that_are_not_sent_change_nothing(asha, email, scalar):
    page = await asha.visit("/profile")
    extra = {"role": "admin", "email": "x@example.com", "password_hash": "x", "epoch": "9", "id": "1"}
    assert (await asha.submit(page, "/profile", having="phone", **extra)).status == 303
    assert await scalar("SELECT role || epoch FROM users WHERE email = :email", email=email) == "customer0"


async def test_a_new_password_signs_other_browsers_out(asha, new_person, email):
    other = new_person()
    await other.sign_in(email, PASSWORD)
    before = asha.cookies["ds"]
    page = await asha.visit("/profile/password")
    response = await asha.submit(page, "/profile/password", current_password=PASSWORD, password=NEW)
    assert response.status == 303
    assert asha.cookies["ds"] != before
    assert (await asha.visit("/profile")).path == "/profile"
    assert (await other.visit("/profile")).path.startswith("/login")
    assert (await new_person().sign_in(email, NEW)).status == 303


async def test_the_present_password_is_required_and_its_attempts_are_counted(asha):
    statuses = []
    for _ in range(6):
        page = await asha.visit("/profile/password")
        sent = await asha.submit(page, "/profile/password", current_password="wrong words here", password=NEW)
        statuses.append(sent.status)
    assert statuses == [422] * 5 + [429]


async def test_browsers_are_listed_and_signed_out_one_by_one(asha, new_person, email):
    phone = new_person()
    phone.headers["user-agent"] = "Mozilla/5.0 (Linux; Android 14) Gecko Firefox/145.0"
    await phone.sign_in(email, PASSWORD)
    page = await asha.visit("/profile/sessions")
    assert "Firefox on Android" in page.text
    assert "This browser" in page.text
    form = page.form("/end", having="_csrf_token")
    assert (await asha.submit(page, form.action)).status == 303
    assert (await phone.visit("/profile")).path.startswith("/login")


async def test_all_other_browsers_are_signed_out_together(asha, new_person, email):
    others = [new_person() for _ in range(3)]
    for other in others:
        await other.sign_in(email, PASSWORD)
    await asha.submit(await asha.visit("/profile/sessions"), "/profile/sessions/end")
    assert [(await other.get("/profile")).status_code for other in others] == [303] * 3
    assert (await asha.get("/profile")).status_code == 200


@pytest.fixture
async def omar(new_person, email):
    """An outsider with an account of his own."""
    person, address = new_person(), "omar." + email
    await person.submit(await person.visit("/register"), "/register", **a_form(address, full_name="Omar"))
    await person.sign_in(address, PASSWORD)
    return person


async def test_omar_cannot_end_ashas_session(asha, omar, email, scalar):
    owner = "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = :email"
    number = await scalar(owner, email=email)
    assert (await omar.post_fields(f"/profile/sessions/{number}/end", {})).status == 404
    assert (await asha.get("/profile")).status_code == 200


async def address_id(scalar, email: str) -> int:
    return await scalar(
        "SELECT a.id FROM addresses a JOIN users u ON u.id = a.user_id WHERE u.email = :email", email=email
    )


async def test_omar_finds_none_of_ashas_addresses(asha, omar, email, scalar):
    number = await address_id(scalar, email)
    path = f"/profile/addresses/{number}"
    fields = {"address": "Omar's own street 5", "pincode": "600041"}
    assert (await omar.get(path)).status_code == 404
    for verb in ("", "/removal", "/main"):
        assert (await omar.post_fields(path + verb, fields)).status == 404
    assert "Sri Lakshmi" in (await asha.visit(path)).text
    for invalid in ("0", "9223372036854775807", "9223372036854775808", "-1", "banana"):
        assert (await omar.get(f"/profile/addresses/{invalid}")).status_code == 404


async def add(person, line: str, pincode: str = "600041"):
    page = await person.visit("/profile/addresses/new")
    return await person.submit(page, "/profile/addresses", address=line, pincode=pincode)


async def test_an_address_is_added_changed_made_main_and_removed(asha, email, scalar):
    assert (await add(asha, "Office, 2nd Main Road")).status == 303
    main = "SELECT line FROM addresses a JOIN users u ON u.id = a.user_id WHERE is_main AND u.email = :email"
    page = await asha.visit("/profile")
    form = page.form("/main")
    await asha.submit(page, form.action)
    assert await scalar(main, email=email) == "Office, 2nd Main Road"
    office = form.action.removesuffix("/main")
    changed = await asha.submit(await asha.visit(office), office, address="Office, 3rd Main Road", pincode="600 042")
    assert changed.status == 303
    assert await scalar(main, email=email) == "Office, 3rd Main Road"
    await asha.submit(await asha.visit(office), f"{office}/removal")
    assert await scalar(main, email=email) == "Flat 3B, Sri Lakshmi Apartments"


@pytest.mark.parametrize(
    ("line", "pincode", "field"),
    [
        ("", "600020", "address"),
        ("Somewhere 5", "000000", "pincode"),
        ("Somewhere 5", "999999", "pincode"),
        ("x" * 900_000, "600020", "address"),
    ],
)
async def test_a_wrong_address_is_shown_beside_the_field(asha, line, pincode, field):
    response = await add(asha, line, pincode)
    assert response.status == 422
    assert f'id="{field}-error"' in response.text


async def test_an_address_book_has_an_end_and_one_main_address(asha, email, scalar):
    pages = [await asha.visit("/profile/addresses/new") for _ in range(25)]

    async def add_address(number: int):
        fields = {"address": f"Street number {number}", "pincode": "600041"}
        return (await asha.submit(pages[number], "/profile/addresses", **fields)).status

    statuses: list[int] = []
    for start in range(0, 25, 8):
        statuses += await asyncio.gather(*(add_address(number) for number in range(start, min(start + 8, 25))))
    assert (statuses.count(303), statuses.count(422)) == (19, 6)
    counted = (
        "SELECT count(*) FILTER (WHERE is_main) FROM addresses a JOIN users u ON u.id = a.user_id WHERE email = :e"
    )
    assert await scalar(counted, e=email) == 1


async def test_a_visitor_is_sent_to_sign_in(visitor):
    for path in ("/profile", "/profile/email", "/profile/password", "/profile/sessions", "/notices", "/blocked"):
        assert (await visitor.get(path)).headers["location"].startswith("/login?next=")
