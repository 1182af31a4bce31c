"""The development servers recover after a crash with their data; the application's role owns nothing."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev.postgres import APP, OWNER, Postgres
from app.dev.processes import StartError, wait_for_exit
from app.dev.servers import Servers, delete_data, lock_data_dir
from app.dev.state import LOOPBACK


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    yield from _running(Servers(tmp_path, valkey=False, durable=False))


@pytest.fixture
def durable_servers(tmp_path: Path) -> Iterator[Servers]:
    yield from _running(Servers(tmp_path, valkey=False))


def _running(servers: Servers) -> Iterator[Servers]:
    servers.start()
    yield servers
    servers.stop()
    delete_data(servers.data)


def postgres_of(servers: Servers) -> Postgres:
    assert servers.postgres is not None
    return servers.postgres


def test_after_a_crash_the_data_is_back_even_when_the_old_process_number_is_anothers(durable_servers: Servers) -> None:
    postgres = postgres_of(durable_servers)
    postgres.sql("CREATE TABLE kept AS SELECT 7 AS answer")
    assert postgres.process is not None
    postgres.process.send_signal(signal.SIGKILL)
    assert wait_for_exit([postgres.process], within=5)
    lock = postgres.dir.cluster / "postmaster.pid"
    lock.write_text(lock.read_text().replace(str(postgres.process.pid), str(os.getppid()), 1))

    durable_servers.start()
    assert postgres_of(durable_servers).sql("SELECT answer FROM kept") == "7"


def test_an_unfinished_cluster_is_created_again(servers: Servers) -> None:
    servers.stop()
    cluster = postgres_of(servers).dir.cluster
    (cluster / "base").rename(cluster / "half")
    cluster.rename(cluster.with_suffix(".unfinished"))
    servers.start()
    assert postgres_of(servers).sql("SELECT 1") == "1"


def test_a_port_taken_meanwhile_is_given_up_for_another(servers: Servers) -> None:
    servers.stop()
    port = postgres_of(servers).state.postgres_port
    with socket.create_server((LOOPBACK, port)):
        servers.start()
        assert postgres_of(servers).state.postgres_port != port
        assert postgres_of(servers).sql("SELECT 1") == "1"


def test_the_applications_role_owns_nothing_and_may_make_nothing(servers: Servers) -> None:
    postgres = postgres_of(servers)
    postgres.create_database("town")
    roles = f"('{OWNER}', '{APP}')"
    assert (
        postgres.sql(f"SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole) FROM pg_roles WHERE rolname IN {roles}")
        == "f"
    )
    assert postgres.sql("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'town'") == OWNER
    with pytest.raises(StartError, match="permission denied"):
        postgres.sql(f"SET ROLE {APP}; CREATE TABLE mine (id int)", "town")


def test_the_servers_listen_on_the_loopback_only_and_ask_for_a_password(servers: Servers) -> None:
    postgres = postgres_of(servers)
    assert postgres.sql("SHOW listen_addresses") == LOOPBACK
    postgres.state.superuser = "guessed"
    with pytest.raises(StartError, match="password authentication failed"):
        postgres.sql("SELECT 1")


def test_the_files_belong_to_the_user_who_runs_the_server(servers: Servers) -> None:
    """As root, another account runs the server in a folder that it can access."""
    cluster = postgres_of(servers).dir.cluster
    assert cluster.stat().st_mode & 0o777 == 0o700
    assert (cluster.stat().st_uid == os.geteuid()) is (os.geteuid() != 0)


def test_two_runs_cannot_hold_one_data_folder(tmp_path: Path) -> None:
    with lock_data_dir(tmp_path), pytest.raises(StartError, match="already running"), lock_data_dir(tmp_path):
        pass


def test_wiping_touches_nothing_in_a_folder_that_was_never_ours(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "photo").write_text("mine")
    delete_data(tmp_path)
    assert (tmp_path / "uploads" / "photo").read_text() == "mine"
