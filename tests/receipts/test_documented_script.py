"""The script of docs/receipts.md verifies a receipt with another library than ours."""

import asyncio
import json
import re
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "receipts.md"
SCRIPT = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]


@pytest.fixture
async def site(visitor, tmp_path):
    """The address of a server that has our public keys and nothing else."""
    (tmp_path / ".well-known").mkdir()
    keys = (await visitor.get("/.well-known/doorstep-keys.json")).text
    (tmp_path / ".well-known" / "doorstep-keys.json").write_text(keys)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def run(site: str, document: dict, folder: Path) -> tuple[int, str]:
    (folder / "verify.py").write_text(SCRIPT)
    (folder / "handover.json").write_text(json.dumps(document))
    script = await asyncio.create_subprocess_exec(
        *(sys.executable, "verify.py", site, "handover.json"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await script.communicate())[0].decode()
    return script.returncode or 0, output


async def test_it_says_valid_and_nothing_else_of_what_was_altered(handover, site, tmp_path):
    assert len(SCRIPT.split("\n\n")[-1].splitlines()) <= 10
    code, output = await run(site, handover.document, tmp_path)
    assert (code, output.splitlines()[-1]) == (0, f"valid {handover.reference}")
    head, payload, signature = handover.parts
    changed = "A" if signature[0] != "A" else "B"
    altered = {**handover.document, "receipt": f"{head}.{payload}.{changed}{signature[1:]}"}
    code, output = await run(site, altered, tmp_path)
    assert code == 1
    assert "BadSignatureError" in output
    other = {**handover.document, "payload": {**handover.document["payload"], "completed_by": "nobody"}}
    code, output = await run(site, other, tmp_path)
    assert output.splitlines()[-1] == f"altered {handover.reference}"
