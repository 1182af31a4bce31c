"""Label, floor, landmark and contact person of saved addresses: on pages and in the API."""

import pytest

from tests.api_client import ApiClientFactory

DETAILS = {
    "label": "Mother",
    "floor": "2nd floor",
    "landmark": "Opposite the temple",
    "contact_name": "Lakshmi Iyer",
    "contact_phone": "098400 12345",
}
HOME = {"address": "12 Beach Road", "pincode": "600020"}
RTL_OVERRIDE = "\u202e"
STORED = "SELECT concat_ws('|', label, floor, landmark, contact_name, contact_phone) FROM addresses WHERE line = :line"


async def test_an_address_has_a_label_and_who_opens(asha, scalar):
    line = "12 Beach Road, North"
    page = await asha.visit("/profile/addresses/new")
    sent = await asha.submit(page, "/profile/addresses", **HOME | {"address": line}, **DETAILS)
    assert sent.status == 303
    assert await scalar(STORED, line=line) == "Mother|2nd floor|Opposite the temple|Lakshmi Iyer|+919840012345"
    profile = await asha.visit("/profile")
    assert "12 Beach Road, North, 2nd floor, Opposite the temple" in profile.text
    assert "+91 98400 12345" in profile.text
    number = await scalar("SELECT id FROM addresses WHERE line = :line", line=line)
    edit = await asha.visit(f"/profile/addresses/{number}")
    assert [term for term in ("Mother", "2nd floor", "Lakshmi Iyer") if f'value="{term}"' not in edit.text] == []


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("floor", "x" * 500),
        ("floor", "x" * 2_500),
        ("label", "Ho\x07me"),
        ("label", "Home\x00"),
        ("landmark", f"near {RTL_OVERRIDE}elpmet"),
        ("landmark", "4242 4242 4242 4242"),
        ("contact_name", f"Lakshmi{RTL_OVERRIDE}"),
        ("contact_name", "12345"),
        ("contact_phone", "call me maybe"),
        ("contact_phone", ""),
        ("contact_name", ""),
    ],
)
async def test_a_bad_detail_is_explained_beside_its_field_and_nothing_is_stored(asha, scalar, field, typed):
    line = f"12 Bad Road {len(typed)}"
    page = await asha.visit("/profile/addresses/new")
    sent = await asha.submit(page, "/profile/addresses", **HOME | {"address": line} | DETAILS | {field: typed})
    assert sent.status == 422
    assert f'id="{field}-error"' in sent.text
    assert await scalar(STORED, line=line) is None


async def test_details_that_are_not_sent_stay(asha, scalar, email):
    line = "7 Lake View"
    page = await asha.visit("/profile/addresses/new")
    await asha.submit(page, "/profile/addresses", **HOME | {"address": line}, **DETAILS)
    number = await scalar("SELECT id FROM addresses WHERE line = :line", line=line)
    sent = await asha.post_fields(f"/profile/addresses/{number}", {"address": "8 Lake View", "pincode": "600020"})
    assert sent.status == 303
    assert str(await scalar(STORED, line="8 Lake View")).startswith("Mother|2nd floor")


async def test_who_opens_the_door_is_no_part_of_the_history(asha, scalar):
    page = await asha.visit("/profile/addresses/new")
    await asha.submit(page, "/profile/addresses", **HOME, **DETAILS)
    query = "SELECT count(*) FROM events e LEFT JOIN event_values v ON v.event_id = e.id WHERE {} LIKE '%Lakshmi%'"
    assert await scalar(query.format("e.facts::text || coalesce(v.value::text, '')")) == 0


async def test_a_program_keeps_the_address_book(api_client_for: ApiClientFactory):
    omar, asha = await api_client_for("omar"), await api_client_for("asha")
    added = await omar.post("/api/profile/addresses", json=HOME | DETAILS)
    assert added.status_code == 201, added.text
    data = added.json()
    assert data == {
        **HOME,
        **DETAILS,
        "contact_phone": "+919840012345",
        "id": data["id"],
        "main": False,
    }
    changed = await omar.post(f"/api/profile/addresses/{data['id']}", json=HOME | {"floor": ""})
    assert (changed.json()["floor"], changed.json()["label"]) == ("", "Mother")
    assert changed.json() in (await omar.get("/api/profile/addresses")).json()["items"]
    assert (await asha.post(f"/api/profile/addresses/{data['id']}", json=HOME)).status_code == 404
    assert data["id"] not in [item["id"] for item in (await asha.get("/api/profile/addresses")).json()["items"]]
    bad = await omar.post("/api/profile/addresses", json=HOME | {"contact_phone": "letters", "floor": "x" * 500})
    assert (bad.status_code, set(bad.json()["errors"])) == (422, {"floor"})
    bad = await omar.post("/api/profile/addresses", json=HOME | {"contact_phone": "letters"})
    assert (bad.status_code, set(bad.json()["errors"])) == (422, {"contact_name", "contact_phone"})
