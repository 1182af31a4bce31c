"""`doorstep console`: statements are awaited at the prompt, on the servers of the settings or of a running bin/dev."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev.servers import delete_data
from app.dev.state import free_port
from tests.dev.dev_process import SETTINGS, DevProcess
from tests.services import Services

STATEMENTS = """
print("pincodes:", await db.scalar(text("SELECT count(*) > 1000 FROM pincodes")))
async with work() as session:
    await session.execute(select(User).limit(1))

print("environment:", services.settings.env)
nothing.at_all
print("still here")
"""


def run_console(statements: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS} | settings
    command = [str(Path(sys.executable).parent / "doorstep"), "console", *arguments]
    return subprocess.run(command, input=statements, env=environment, capture_output=True, text=True, timeout=60)


def test_statements_are_awaited_and_an_error_ends_nothing(services: Services, own_url: str) -> None:
    settings = {"DATABASE_URL": own_url, "REDIS_URL": services.redis_url}
    result = run_console(STATEMENTS, **settings)
    assert result.returncode == 0, result.stderr
    assert "pincodes: True" in result.stdout
    assert "environment: development" in result.stdout
    assert "NameError" in result.stderr
    assert "still here" in result.stdout


def test_without_servers_it_says_what_to_start(tmp_path: Path) -> None:
    result = run_console("", "--data", str(tmp_path))
    assert result.returncode == 1
    assert "run bin/dev first" in result.stderr


@pytest.fixture
def running_data(tmp_path: Path) -> Iterator[Path]:
    started = DevProcess("--data", tmp_path, "--port", str(free_port()), "--no-demo")
    started.until("Doorstep is running at")
    yield tmp_path
    started.kill()
    delete_data(tmp_path)


@pytest.mark.slow
def test_it_finds_the_servers_of_a_running_dev(running_data: Path) -> None:
    result = run_console(STATEMENTS, "--data", str(running_data))
    assert result.returncode == 0, result.stderr
    assert "pincodes: True" in result.stdout
