"""The commands of docs/api.md, run by bash and curl against processes with the demo town."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.processes import environment, run_command, town_of_processes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)

STEPS = ["304", "[None]", "started", "completed", "409", "closed", "409", "401"]  # its output


@pytest.fixture
async def demo_town(services, own_url, tmp_path) -> dict[str, str]:
    """The environment of processes on a database that holds it."""
    env = environment(own_url, services.redis_url, UPLOADS_DIR=str(tmp_path / "uploads"))
    await run_command(env, "seed")
    return env


@pytest.mark.slow
async def test_who_follows_the_page_ends_with_a_review_and_a_file(demo_town, tmp_path):
    async with town_of_processes(demo_town, webs=1) as [base]:
        walk = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", "\n".join(BLOCKS)),
            cwd=tmp_path,
            env=demo_town | {"BASE": base},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, problem = await asyncio.wait_for(walk.communicate(), 120)
    assert walk.returncode == 0, (output + problem).decode()
    assert (tmp_path / "bookings.csv").read_text().count("\n") > 1_000
    assert [term for term in output.decode().split() if term in STEPS] == STEPS
