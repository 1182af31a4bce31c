"""One unit of work per request: a response below 400 commits, everything else rolls back."""

from itertools import count

import pytest
from sqlalchemy import text

_keys = count(1)


async def _written(app, key):
    async with app.state.services.database.reading() as db:
        return (await db.execute(text("SELECT count(*) FROM attempts WHERE key = :key"), {"key": key})).scalar_one()


async def _write(visitor, how):
    key = f"work-{how}-{next(_keys)}"
    response = await visitor.post(f"/t/write/{how}", data={"key": key, "_csrf_token": await visitor.token()})
    return response, key


async def test_an_answer_commits_before_it_leaves(visitor, app):
    response, key = await _write(visitor, "fine")
    assert response.status_code == 303
    assert await _written(app, key) == 1


@pytest.mark.parametrize(("how", "status"), [("raise", 409), ("conflict", 409), ("template", 500)])
async def test_a_refusal_undoes_whether_raised_returned_or_broken_in_the_template(visitor, app, how, status):
    response, key = await _write(visitor, how)
    assert response.status_code == status
    assert await _written(app, key) == 0


async def test_a_commit_that_fails_is_an_error_and_not_a_success(visitor, app):
    response, key = await _write(visitor, "deferred")
    assert response.status_code == 409
    assert await _written(app, key) == 0


async def test_a_form_drawn_again_undoes_what_came_before(visitor, app):
    key = f"work-form-{next(_keys)}"
    token = await visitor.token()
    response = await visitor.post("/t/form", data={"key": key, "pincode": "60002", "_csrf_token": token})
    assert response.status_code == 422
    assert "Enter 6 digits." in response.text
    assert 'value="60002"' in response.text
    assert await _written(app, key) == 0


async def test_no_connection_stays_behind(visitor, app):
    for how in ("fine", "raise", "conflict", "template", "deferred"):
        await _write(visitor, how)
    assert app.state.services.database.engine.pool.checkedout() == 0


async def test_a_handler_that_only_reads_opens_no_transaction(visitor):
    first, second = (await visitor.get("/t/read-only")).json()["starts"]
    assert first != second


@pytest.mark.parametrize("flush", ["", "1"])
async def test_a_handler_that_only_reads_may_change_nothing(visitor, app, flush):
    key = f"read-{next(_keys)}"
    response = await visitor.get(f"/t/read-only?key={key}&flush={flush}")
    assert response.status_code == 500
    assert await _written(app, key) == 0
