"""The commands of docs/api.md, run by bash and curl against processes with the demo town."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import environment, town_of_processes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)

STEPS = ["304", "[None]", "started", "completed", "409", "closed", "401"]  # its output


@pytest.fixture
def demo_town(services, own_url, tmp_path) -> dict[str, str]:
    """The environment of processes on a database that holds it."""
    # Uploads of its own: `doorstep seed` ends with a check that no file is left which no row mentions.
    env = environment(own_url, services.redis_url, UPLOADS_DIR=str(tmp_path / "uploads"))
    command = [str(Path(sys.executable).parent / "doorstep"), "seed"]
    seeded = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert seeded.returncode == 0, seeded.stdout + seeded.stderr
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
