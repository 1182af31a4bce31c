"""Every API address, method and person against the written table, with a token, without, and with a cookie."""

import pytest

from tests.authorisation.table import PEOPLE, PROGRAMS, VIEWED_BY_PROGRAMS


@pytest.mark.parametrize("row", PROGRAMS, ids=str)
async def test_each_program_is_answered_as_the_table_says(people, row):
    answers = {who: await people.request_api(row, who) for who in PEOPLE}
    assert {who: str(answer.status) for who, (answer, _) in answers.items()} == row.expected, answers
    for who, (answer, written) in answers.items():
        if row.method == "GET":
            assert written <= VIEWED_BY_PROGRAMS.get(row.route, set()), who
        elif answer.status in (401, 403, 404):
            assert written <= {"attempts"}, f"{row}, {who} writes in {written}"


@pytest.mark.parametrize("row", [row for row in PROGRAMS if row.expected["visitor"] == "401"], ids=str)
async def test_a_browsers_cookie_opens_no_door_of_the_api(people, row):
    for who in PEOPLE:
        answer, written = await people.request_api(row, who, cookie=True)
        assert answer.status == 401, who
        assert written <= {"attempts"}, who


@pytest.mark.parametrize("row", PROGRAMS, ids=str)
async def test_other_methods_are_refused(people, row):
    there = {request_api.method for request_api in PROGRAMS if request_api.route == row.route}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - there:
        answer, written = await people.send("asha", method, people.address(row), {})
        assert (answer.status, written) == (405, set()), method
