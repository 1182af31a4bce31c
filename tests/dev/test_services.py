"""The servers come back after a crash, with the data; the application's role owns nothing."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev.postgres import APP, OWNER, Postgres
from app.dev.processes import CannotStart, gone
from app.dev.services import Services, held, wipe
from app.dev.state import LOOPBACK


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path, valkey=False)
    made.start()
    yield made
    made.stop()
    wipe(tmp_path)


def postgres_of(servers: Services) -> Postgres:
    assert servers.postgres is not None
    return servers.postgres


def test_after_a_crash_the_data_is_back_even_when_the_old_process_number_is_anothers(servers: Services) -> None:
    postgres = postgres_of(servers)
    postgres.sql("CREATE TABLE kept AS SELECT 7 AS answer")
    assert postgres.process is not None
    postgres.process.send_signal(signal.SIGKILL)
    assert gone([postgres.process], within=5)
    lock = postgres.place.cluster / "postmaster.pid"
    lock.write_text(lock.read_text().replace(str(postgres.process.pid), str(os.getppid()), 1))

    servers.start()
    assert postgres_of(servers).sql("SELECT answer FROM kept") == "7"


def test_a_cluster_whose_making_was_cut_short_is_made_anew(servers: Services) -> None:
    servers.stop()
    cluster = postgres_of(servers).place.cluster
    (cluster / "base").rename(cluster / "half")
    cluster.rename(cluster.with_suffix(".unfinished"))
    servers.start()
    assert postgres_of(servers).sql("SELECT 1") == "1"


def test_a_port_taken_meanwhile_is_given_up_for_another(servers: Services) -> None:
    servers.stop()
    port = postgres_of(servers).memory.postgres_port
    with socket.create_server((LOOPBACK, port)):
        servers.start()
        assert postgres_of(servers).memory.postgres_port != port
        assert postgres_of(servers).sql("SELECT 1") == "1"


def test_the_applications_role_owns_nothing_and_may_make_nothing(servers: Services) -> None:
    postgres = postgres_of(servers)
    postgres.make_database("town")
    roles = f"('{OWNER}', '{APP}')"
    assert (
        postgres.sql(f"SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole) FROM pg_roles WHERE rolname IN {roles}")
        == "f"
    )
    assert postgres.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'town'") == OWNER
    with pytest.raises(CannotStart, match="permission denied"):
        postgres.sql(f"SET ROLE {APP}; CREATE TABLE mine (id int)", "town")


def test_the_servers_listen_on_the_loopback_only_and_ask_for_a_password(servers: Services) -> None:
    postgres = postgres_of(servers)
    assert postgres.sql("SHOW listen_addresses") == LOOPBACK
    postgres.memory.superuser = "guessed"
    with pytest.raises(CannotStart, match="password authentication failed"):
        postgres.sql("SELECT 1")


def test_the_files_belong_to_whoever_runs_the_server(servers: Services) -> None:
    """As root another account runs it, in a place which that account can reach (PostgreSQL refuses root)."""
    cluster = postgres_of(servers).place.cluster
    assert cluster.stat().st_mode & 0o777 == 0o700
    assert (cluster.stat().st_uid == os.geteuid()) is (os.geteuid() != 0)


def test_two_runs_cannot_hold_one_data_folder(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(CannotStart, match="already runs"), held(tmp_path):
        pass


def test_wiping_touches_nothing_in_a_folder_that_was_never_ours(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "photo").write_text("mine")
    wipe(tmp_path)
    assert (tmp_path / "uploads" / "photo").read_text() == "mine"
