"""bin/venv: which packages an environment needs, and how pip's settings reach uv."""

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK_FILES = ("requirements.lock", "requirements-servers.lock", "requirements-dev.lock")
PIP_CONFIG = """
global.extra-index-url='file:///one file:///two'
global.find-links='/wheels\\n/more-wheels'
global.index-url='https://overridden.invalid/simple'
install.index-url='https://mirror.invalid/simple'
:env:.cert='/etc/ssl/ours.pem'
:env:.disable-pip-version-check='1'
"""


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, for an environment that does not exist yet."""
    loader = SourceFileLoader("bin_venv", str(ROOT / "bin" / "venv"))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    spec = spec_from_loader("bin_venv", loader)
    assert spec is not None
    script = module_from_spec(spec)
    loader.exec_module(script)
    monkeypatch.setattr(script, "STAMP", str(tmp_path / "made-from"))
    return script


def packages(lock_file: str) -> dict[str, str]:
    """Each package with its version, marker and hashes."""
    text = (ROOT / lock_file).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", re.sub(r"^ +#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in entries if entry}


def test_each_lock_file_holds_the_one_before_it() -> None:
    for fewer, more in zip(LOCK_FILES, LOCK_FILES[1:], strict=False):
        assert packages(fewer).items() < packages(more).items()


def test_pips_index_certificates_and_folders_reach_uv(venv: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_INDEX_STRATEGY", "first-index")
    assert venv.uv_settings(PIP_CONFIG) == {
        "UV_DEFAULT_INDEX": "https://mirror.invalid/simple",
        "UV_INDEX": "file:///one file:///two",
        "UV_FIND_LINKS": "/wheels,/more-wheels",
        "SSL_CERT_FILE": "/etc/ssl/ours.pem",
    }


def test_uv_itself_is_installed_with_its_hashes(venv: ModuleType) -> None:
    entry = venv.uv_entry(venv.SERVERS)
    assert re.match(r"uv==[0-9.]+ \\\n", entry)
    assert entry.count("==") == 1
    assert entry.count("--hash=sha256:") > 10
    assert not entry.rstrip().endswith("\\")


def test_tools_for_tests_are_enough_to_run_but_not_the_other_way_round(venv: ModuleType) -> None:
    assert not venv.is_installed(venv.SERVERS)
    Path(venv.STAMP).write_text(f"{venv.location()}\n{venv.fingerprint(venv.SERVERS)}\n")
    assert venv.is_installed(venv.SERVERS)
    assert not venv.is_installed(venv.EVERYTHING)
    Path(venv.STAMP).write_text(f"{venv.location()}\n{venv.fingerprint(venv.EVERYTHING)}\n")
    assert venv.is_installed(venv.SERVERS)
    assert venv.is_installed(venv.EVERYTHING)
