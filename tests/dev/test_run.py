"""One command brings Doorstep up, and nothing of it stays behind, however it ends."""

import os
import pty
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev.services import wipe
from app.dev.state import free_port
from tests.dev.running import Run, refused, still_there

STANDS = "Doorstep stands at"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data folder for all of them, as a person would have: the second start is part of the story."""
    folder = tmp_path_factory.mktemp("dev")
    yield folder
    wipe(folder)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def run(data: Path, port: int) -> Iterator[Run]:
    started = Run("--data", data, "--port", str(port), "--no-demo")
    yield started
    started.kill()


def status(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return int(answer.status)


def a_terminal() -> tuple[int, int]:
    try:
        return pty.openpty()
    except OSError:
        pytest.skip("this machine has no /dev/pts: no terminal can be opened")


@pytest.mark.slow
def test_it_serves_pages_and_a_sigterm_stops_everything_within_five_seconds(
    run: Run, data: Path, port: int, tmp_path: Path
) -> None:
    run.until(STANDS)
    family = run.family()
    assert status(port, "/health/ready") == 200
    assert "already runs on the data folder" in refused("--data", data, "--port", str(free_port()))
    assert f"Port {port} on 127.0.0.1 is in use" in refused("--data", tmp_path, "--port", str(port))

    asked = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    assert run.ended(within=5) == 0
    assert time.monotonic() - asked < 5
    assert len(family) > 3
    assert still_there(family) == set()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ctrl-c", "closed"])
def test_a_second_start_finds_the_data_again_and_the_terminal_stops_it(data: Path, port: int, how: str) -> None:
    kept = {path: path.read_text() for path in (data / "servers.json", data / "secret_key") if path.exists()}
    desk, terminal = a_terminal()
    run = Run("--data", data, "--port", str(port), "--no-demo", terminal=terminal)
    os.close(terminal)
    family = run.until(STANDS).family()
    if how == "ctrl-c":
        os.write(desk, b"\x03")
        assert run.ended(within=5) == 0
    os.close(desk)
    assert run.ended(within=5) == 0
    assert still_there(family) == set()
    assert {path: path.read_text() for path in kept} == kept
    assert (data / "postgres.log").read_text().count("running bootstrap script") == 1


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait(run: Run) -> None:
    family = run.until(STANDS).family()
    run.process.send_signal(signal.SIGINT)
    run.until("Stopping")
    asked = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    run.ended(within=5)
    assert time.monotonic() - asked < 2
    assert still_there(family) == set()


@pytest.mark.slow
def test_a_part_that_ends_by_itself_ends_the_whole_and_is_named(run: Run) -> None:
    family = run.until(STANDS).family()
    os.kill(run.pid_of("worker"), signal.SIGKILL)
    assert run.ended(within=6) == 1
    assert "worker ended by itself (signal SIGKILL)" in run.said
    assert still_there(family) == set()


@pytest.mark.slow
def test_even_a_kill_leaves_no_process(run: Run) -> None:
    family = run.until(STANDS).family()
    run.process.kill()
    run.ended(within=5)
    assert still_there(family, within=5) == set()


def test_a_port_that_somebody_uses_is_said_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused("--data", tmp_path, "--port", str(port)) == (
            f"Port {port} on 127.0.0.1 is in use: stop what listens there, or choose another with --port."
        )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"DATABASE_URL": "postgresql://me:hush@127.0.0.1:1/town"},  # pragma: allowlist secret
            "DATABASE_URL leads to no usable PostgreSQL",
        ),
        ({"DATABASE_URL": "banana"}, "DATABASE_URL must be an address that starts with postgresql://"),
        ({"REDIS_URL": "redis://:hush@127.0.0.1:1/0"}, "REDIS_URL leads to no usable Redis or Valkey at 127.0.0.1:1/0"),
        ({"DOORSTEP_ENV": "production"}, "for development only"),
    ],
)
def test_settings_that_lead_nowhere_are_named_without_their_password(
    tmp_path: Path, port: int, settings: dict[str, str], said: str
) -> None:
    words = refused("--data", tmp_path, "--port", str(port), **settings)
    assert said in words
    assert "hush" not in words


def test_a_data_folder_that_cannot_be_one_is_said_so(tmp_path: Path, port: int) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert "cannot be used: Not a directory" in refused("--data", file / "below", "--port", str(port))
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "70000"), "--port must be between 1 and 65535"),
        (("--host", "nowhere.invalid"), "--host nowhere.invalid is not a name or address of this machine"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_said_so(
    tmp_path: Path, arguments: tuple[str, str], said: str
) -> None:
    assert said in refused("--data", tmp_path, *arguments)
