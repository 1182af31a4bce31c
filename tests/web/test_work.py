"""One unit of work per request: what an answer below 400 wrote stays, everything else is undone."""

from itertools import count

import pytest
from sqlalchemy import text

_keys = count(1)


async def _written(app, key):
    async with app.state.database.reading() as db:
        return (await db.execute(text("SELECT count(*) FROM attempts WHERE key = :key"), {"key": key})).scalar_one()


async def _write(visitor, how):
    key = f"work-{how}-{next(_keys)}"
    answer = await visitor.post(f"/t/write/{how}", data={"key": key, "_csrf_token": await visitor.token()})
    return answer, key


async def test_an_answer_commits_before_it_leaves(visitor, app):
    answer, key = await _write(visitor, "fine")
    assert answer.status_code == 303
    assert await _written(app, key) == 1


@pytest.mark.parametrize(("how", "status"), [("raise", 409), ("conflict", 409), ("template", 500)])
async def test_a_refusal_undoes_whether_raised_returned_or_broken_in_the_template(visitor, app, how, status):
    answer, key = await _write(visitor, how)
    assert answer.status_code == status
    assert await _written(app, key) == 0


async def test_a_commit_that_fails_is_told_and_not_called_a_success(visitor, app):
    answer, key = await _write(visitor, "deferred")
    assert answer.status_code == 409
    assert await _written(app, key) == 0


async def test_a_form_drawn_again_undoes_what_came_before(visitor, app):
    key = f"work-form-{next(_keys)}"
    token = await visitor.token()
    answer = await visitor.post("/t/form", data={"key": key, "pincode": "60002", "_csrf_token": token})
    assert answer.status_code == 422
    assert "Six digits, please." in answer.text
    assert 'value="60002"' in answer.text
    assert await _written(app, key) == 0


async def test_no_connection_stays_behind(visitor, app):
    for how in ("fine", "raise", "conflict", "template", "deferred"):
        await _write(visitor, how)
    assert app.state.database.engine.pool.checkedout() == 0
