"""The processes that tests start: a failing one shows what it printed, and each database has files of its own."""

import os
import time
from pathlib import Path

import pytest

from tests.processes import environment, free_ports, run_command, spawn, start

BROKEN = "postgresql://nobody@127.0.0.1:1/none"
LEFTOVER = "kept/ab/" + "ab" * 16


async def test_a_command_that_fails_shows_what_it_printed(services):
    with pytest.raises(
        AssertionError, match="doorstep seed ended with 1. It printed:\nDoorstep can't use the database"
    ):
        await run_command(environment(BROKEN, services.redis_url), "seed")


async def test_a_process_that_ends_before_it_is_ready_shows_what_it_printed(services):
    web = start(environment(BROKEN, services.redis_url), "web", free_ports(1)[0])
    with pytest.raises(AssertionError, match="It ended by itself with 1. It printed:\nDoorstep can't use the database"):
        await web.until_ready()


async def test_a_process_that_never_becomes_ready_shows_what_it_printed():
    [port] = free_ports(1)
    waiting = spawn(dict(os.environ), ["sh", "-c", "echo not yet; exec sleep 60"], f"http://127.0.0.1:{port}")
    with pytest.raises(AssertionError, match="database is not up after 0.5 s. It printed:\nnot yet"):
        await waiting.until_ready(within=0.5)
    waiting.end()


async def test_files_that_another_test_left_for_more_than_ten_minutes_are_not_checked(services, own_url):
    """They ended `doorstep seed` with 1 in runs of a quarter of an hour, when all tests stored in one folder."""
    env, others = environment(own_url, services.redis_url), environment(own_url + "_other", services.redis_url)
    assert env["UPLOADS_DIR"] != others["UPLOADS_DIR"]
    leave_an_old_file(Path(others["UPLOADS_DIR"]))
    assert LEFTOVER not in await checked(env)
    assert f"{LEFTOVER}: no row refers to it" in await checked(env | {"UPLOADS_DIR": others["UPLOADS_DIR"]})


def leave_an_old_file(uploads: Path) -> None:
    file, minutes_ago = uploads / LEFTOVER / "paper", time.time() - 11 * 60
    file.parent.mkdir(parents=True)
    file.touch()
    for path in (file, file.parent):
        os.utime(path, (minutes_ago, minutes_ago))


async def checked(env: dict[str, str]) -> str:
    """What `doorstep check` prints, whether it passes or not."""
    try:
        return await run_command(env, "check")
    except AssertionError as error:
        return str(error)
