"""The contacts and the settings in the API."""


async def test_programs_read_the_contacts_and_admins_save_them(api_app, api_client_for, api_client):
    empty = {"email": None, "phone": None, "whatsapp": None, "grievance_officer": None}
    assert (await api_client.get("/api/help")).json() == empty
    meena = await api_client_for("meena")
    saved = await meena.post("/api/admin/settings", json={"support_phone": "98400 12345", "seen": 0})
    assert (saved.status_code, saved.json()["support_phone"]) == (200, "+919840012345")
    assert (await api_client.get("/api/help")).json() == empty | {"phone": "+919840012345"}
    officer = {"grievance_name": "Meena Iyer", "grievance_email": "m@doorstep.in"}
    assert (await meena.post("/api/admin/settings", json=officer)).status_code == 200
    shown = (await api_client.get("/api/help")).json()
    assert shown["grievance_officer"] == {"name": "Meena Iyer", "email": "m@doorstep.in", "hours": ""}
    assert shown["phone"] == "+919840012345"
    stale = await meena.post("/api/admin/settings", json={"support_phone": "", "seen": 0})
    assert stale.status_code == 409
    for bad in ({"support_phone": "1"}, {"support_email": "x"}, {"grievance_email": ""}, {"gstin": "x"}, {"seen": -1}):
        assert (await meena.post("/api/admin/settings", json=bad)).status_code == 422, bad
    cleared = {"support_phone": "", "grievance_name": "", "grievance_email": ""}
    seen = (await meena.get("/api/admin/settings")).json()["seen"]
    assert (await meena.post("/api/admin/settings", json=cleared | {"seen": seen})).status_code == 200
    assert (await api_client.get("/api/help")).json() == empty
