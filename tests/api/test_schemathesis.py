"""Schemathesis sends thousands of valid and invalid requests; every response is as the OpenAPI document says.

Each operation is called by the roles that may use it, public ones by customers; who may not is tested by
tests/authorisation/programs.tsv.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.accounts.session import SessionKind, Sessions
from app.accounts.user import User
from app.core import clock
from app.core.db import Database
from app.core.secrets import digest, new_token
from app.main import create_app
from app.web.openapi import documented_handlers
from tests.application import settings
from tests.factories import a_customer, a_professional, a_request, a_service, a_start, an_admin
from tests.processes import environment, web_process

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).parent / "schemathesis")
CONFIG = ROOT / "tests" / "api" / "schemathesis.toml"
LEAST = {"customer": 900, "professional": 250, "admin": 900}  # cases
LASTING, PASSING = 60, 400


async def tokens_of(database: Database, user: User, many: int) -> list[str]:
    tokens = [new_token() for _ in range(many)]
    sessions = Sessions(database)
    async with database.work() as db:
        for token in tokens:
            await sessions.open(db, user, digest(token), clock.now(), "any request", SessionKind.TOKEN)
    return tokens


async def a_town(database: Database, role: str) -> User:
    """Few enough rows that a number that is made up is often one of them."""
    async with database.work() as db:
        service, other = await a_service(db, horizon_days=30), await a_service(db)
        ravi = await a_professional(db, services=[service])
        await a_professional(db, "Geeta Menon", services=[other], approval="denied")
        asha = await a_customer(db)
        for day in range(1, 4):
            await a_request(db, asha, service, a_start(day))
        meena = await an_admin(db)
        return {"customer": asha, "professional": ravi, "admin": meena}[role]


def names_for(role: str, url: str, services: Any) -> list[str]:
    """The names of the operations that a role may use."""
    app = create_app(settings(url, services.redis_url))
    handlers = [(handler, handler.opt["access"]) for _path, _method, handler, _doc in documented_handlers(app)]
    open_to_all = ("everyone", "signed in") if role == "customer" else ()
    return [
        handler.name for handler, who in handlers if who in open_to_all or (isinstance(who, frozenset) and role in who)
    ]


def config(folder: Path) -> str:
    """With starts that are free, which no file can know."""
    starts = [a_start(day, hour).isoformat() for day in range(2, 8) for hour in (9, 12, 15)]
    path = folder / "schemathesis.toml"
    path.write_text(f"{CONFIG.read_text(encoding='utf-8')}\n[dictionaries.starts]\nvalues = {starts}\n", "utf-8")
    return str(path)


@pytest.mark.parametrize("role", ["customer", "professional", "admin"])
async def test_every_request_is_answered_as_the_description_says(role, services, own_url, own_database, tmp_path):
    user = await a_town(own_database, role)
    lasting = await tokens_of(own_database, user, LASTING)
    passing = await tokens_of(own_database, user, PASSING)
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({"lasting": lasting, "passing": passing}), encoding="utf-8")
    # Budgets are counted by session number, and other databases have the same numbers: a Redis database of its own.
    redis_url = urlsplit(services.redis_url)._replace(path="/9").geturl()
    options = environment(own_url, redis_url, TRUSTED_PROXIES="1", UPLOADS_DIR=str(tmp_path / "uploads"))
    async with web_process(options) as web:
        command = [PROGRAM, "--config-file", config(tmp_path), "run", f"{web.url}/api/openapi.json", "--url", web.url]
        command += [part for name in names_for(role, own_url, services) for part in ("--include-operation-id", name)]
        env = dict(os.environ) | {
            "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
            "TOKENS": str(tokens),
            "PYTHONPATH": str(ROOT),
        }
        ran = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=170, check=False
        )
    assert ran.returncode == 0, "\n".join(line[:500] for line in (ran.stdout + ran.stderr).splitlines())
    made = re.search(r"(\d[\d,]*) generated", ran.stdout)
    assert made is not None, ran.stdout
    assert int(made[1].replace(",", "")) >= LEAST[role], ran.stdout
