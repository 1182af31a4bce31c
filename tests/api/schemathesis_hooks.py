"""Hooks of Schemathesis: a token of the role and an IP address of its own for each generated request.

SCHEMATHESIS_HOOKS names this module; TOKENS is a JSON file with {"lasting": […], "passing": […]}.
"""

import json
import os
import random
from ipaddress import ip_address
from itertools import cycle
from pathlib import Path
from typing import Any

import schemathesis

TOKENS = json.loads(Path(os.environ["TOKENS"]).read_text(encoding="utf-8"))
ENDING = "/api/logout"  # each token that is sent here is revoked
lasting, passing = cycle(TOKENS["lasting"]), iter(TOKENS["passing"])
addresses = random.Random(7)


@schemathesis.auth(refresh_interval=None)
class Token:
    """Many of the same person, so that no token's budget is spent."""

    def get(self, case: Any, _context: Any) -> str:
        return str(next(passing if case.operation.path == ENDING else lasting))

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(_context: Any, case: Any, _values: dict[str, Any]) -> None:
    """Send the client's address as a reverse proxy does."""
    case.headers = {**(case.headers or {}), "X-Forwarded-For": str(ip_address("10.0.0.0") + addresses.getrandbits(24))}
