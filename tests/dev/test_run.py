"""One command starts Doorstep, and no process is left however it ends."""

import json
import os
import pty
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev.servers import delete_data
from app.dev.state import free_port
from tests.dev.dev_process import DevProcess, failure_of, still_alive

READY = "Doorstep is running at"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data folder for all tests of the module, so that later starts find existing data."""
    folder = tmp_path_factory.mktemp("dev")
    yield folder
    delete_data(folder)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def run(data: Path, port: int) -> Iterator[DevProcess]:
    started = DevProcess("--data", data, "--port", str(port), "--no-demo")
    yield started
    started.kill()


def status(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
        return int(response.status)


def a_terminal() -> tuple[int, int]:
    try:
        return pty.openpty()
    except OSError:
        pytest.skip("this machine has no /dev/pts: no terminal can be opened")


@pytest.fixture
def run_with_demo_town(data: Path, port: int) -> Iterator[DevProcess]:
    started = DevProcess("--data", data, "--port", str(port))
    yield started
    started.kill()


def shown_demo_town(port: int) -> str | None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as response:
        found: str | None = json.load(response).get("demo")
        return found


@pytest.mark.slow
def test_the_first_page_comes_before_the_history_and_a_sigterm_stops_everything_within_five_seconds(
    run_with_demo_town: DevProcess, data: Path, port: int, tmp_path: Path
) -> None:
    run = run_with_demo_town.until(READY)
    assert "Added half a year of history" not in run.output
    assert shown_demo_town(port) == "filling"
    processes = run.descendants()
    assert status(port, "/") == 200
    run.until("Added half a year of history")
    assert shown_demo_town(port) == "ready"
    assert "already running in the data folder" in failure_of("--data", data, "--port", str(free_port()))
    assert f"Port {port} on 127.0.0.1 is in use" in failure_of("--data", tmp_path, "--port", str(port))

    stopped_at = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    assert run.exit_code(within=5) == 0
    assert time.monotonic() - stopped_at < 5
    assert len(processes) > 3
    assert still_alive(processes) == set()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ctrl-c", "closed"])
def test_a_second_start_finds_the_data_again_and_the_terminal_stops_it(data: Path, port: int, how: str) -> None:
    files = {path: path.read_text() for path in (data / "servers.json", data / "secret_key") if path.exists()}
    master, terminal = a_terminal()
    run = DevProcess("--data", data, "--port", str(port), "--no-demo", terminal=terminal)
    os.close(terminal)
    processes = run.until(READY).descendants()
    if how == "ctrl-c":
        os.write(master, b"\x03")
        assert run.exit_code(within=5) == 0
    os.close(master)
    assert run.exit_code(within=5) == 0
    assert still_alive(processes) == set()
    assert {path: path.read_text() for path in files} == files
    assert "release|" not in run.output  # the schema is that of the first start
    assert (data / "postgres.log").read_text().count("running bootstrap script") == 1


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait(run: DevProcess) -> None:
    processes = run.until(READY).descendants()
    run.process.send_signal(signal.SIGINT)
    run.until("Stopping")
    stopped_at = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    run.exit_code(within=5)
    assert time.monotonic() - stopped_at < 2
    assert still_alive(processes) == set()


@pytest.mark.slow
def test_a_part_that_ends_by_itself_ends_the_whole_and_is_named(run: DevProcess) -> None:
    processes = run.until(READY).descendants()
    os.kill(run.pid_of("worker"), signal.SIGKILL)
    assert run.exit_code(within=6) == 1
    assert "worker stopped unexpectedly (signal SIGKILL)" in run.output
    assert still_alive(processes) == set()


@pytest.mark.slow
def test_even_a_kill_leaves_no_process(run: DevProcess) -> None:
    processes = run.until(READY).descendants()
    run.process.kill()
    run.exit_code(within=5)
    assert still_alive(processes, within=5) == set()


def test_a_port_that_someone_uses_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert failure_of("--data", tmp_path, "--port", str(port)) == (
            f"Port {port} on 127.0.0.1 is in use. Stop the program that uses it, or choose another port with --port."
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"DATABASE_URL": "postgresql://me:hush@127.0.0.1:1/town"},  # pragma: allowlist secret
            "DATABASE_URL: PostgreSQL at 127.0.0.1:1/town can't be used",
        ),
        ({"DATABASE_URL": "banana"}, "DATABASE_URL must be a URL that starts with postgresql://"),
        ({"REDIS_URL": "redis://:hush@127.0.0.1:1/0"}, "REDIS_URL: Redis or Valkey at 127.0.0.1:1/0 can't be used"),
        ({"DOORSTEP_ENV": "production"}, "for development only"),
    ],
)
def test_settings_that_lead_nowhere_are_named_without_their_password(
    tmp_path: Path, port: int, settings: dict[str, str], message: str
) -> None:
    failure = failure_of("--data", tmp_path, "--port", str(port), **settings)
    assert message in failure
    assert "hush" not in failure


def test_a_data_folder_that_cannot_be_one_is_reported(tmp_path: Path, port: int) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert "can't be used: Not a directory" in failure_of("--data", file / "below", "--port", str(port))
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "70000"), "--port must be a number from 1 to 65535"),
        (("--host", "nowhere.invalid"), "--host nowhere.invalid is not a name or address of this machine"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_reported(
    tmp_path: Path, arguments: tuple[str, str], message: str
) -> None:
    assert message in failure_of("--data", tmp_path, *arguments)
