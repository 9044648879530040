"""Who the server runs as, and that no other local user gets in."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.store.embedded import IS_ROOT, NOBODY, QUICK, User, as_root, interpreter, python, servers
from tocsin.store.embedded import EmbeddedError, EmbeddedPostgres, binaries, identity

# Neither root, nor nobody, nor a user of this machine; it needs no name to try.
STRANGER = 61_234

_CONNECT = """
import sys
import psycopg
try:
    psycopg.connect(sys.argv[1])
except psycopg.Error as error:
    print(error)
else:
    print("connected")
"""


def attempt(url: str, uid: int) -> str:
    """What another user gets to hear who tries to connect."""
    return python(_CONNECT, url, uid=uid).communicate(timeout=60)[0].strip()


@contextmanager
def traversable(folder: Path) -> Iterator[Path]:
    """A folder for another user, reachable by everybody."""
    base = Path(tempfile.mkdtemp(prefix="tocsin-", dir=folder))
    base.chmod(0o755)
    try:
        yield base
    finally:
        shutil.rmtree(base)


def test_the_cluster_and_its_folder_are_closed_to_others(
    lasting_embedded: EmbeddedPostgres,
) -> None:
    for folder in (lasting_embedded.home.folder, lasting_embedded.home.cluster):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((lasting_embedded.home.cluster / ".s.PGSQL.5432").stat().st_mode) == 0o700
    assert stat.S_IMODE(lasting_embedded.home.log.stat().st_mode) == 0o600


@as_root
def test_under_root_the_server_has_a_user_of_its_own(lasting_embedded: EmbeddedPostgres) -> None:
    assert lasting_embedded.server_pid is not None
    status = Path(f"/proc/{lasting_embedded.server_pid}/status").read_text()
    ids = {line.split()[0]: set(line.split()[1:]) for line in status.splitlines() if line.split()}
    (uid,), (gid,) = ids["Uid:"], ids["Gid:"]
    assert int(uid) not in {0, NOBODY} | {entry.pw_uid for entry in pwd.getpwall()}
    assert (gid, ids["Groups:"]) == (uid, set())
    assert ids["CapPrm:"] == ids["CapEff:"] == {"0" * 16}
    assert lasting_embedded.home.cluster.stat().st_uid == int(uid)


@as_root
def test_under_root_what_lies_beside_the_cluster_stays_roots(
    lasting_embedded: EmbeddedPostgres,
) -> None:
    home = lasting_embedded.home
    for path in (home.data_dir, home.folder, home.log):
        assert path.stat().st_uid == 0


@as_root
def test_a_server_that_drops_privileges_works_below_folders_closed_to_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "d", settings=QUICK) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@as_root
@pytest.mark.parametrize("uid", [NOBODY, STRANGER])
def test_another_user_does_not_reach_the_socket(
    lasting_embedded: EmbeddedPostgres, uid: int
) -> None:
    assert "Permission denied" in attempt(lasting_embedded.url, uid)


@as_root
def test_another_user_who_reaches_the_socket_is_refused(prepared_folder: Path) -> None:
    with traversable(Path("/tmp")) as base:
        shutil.copytree(prepared_folder, base / "d")
        postgres = EmbeddedPostgres(base / "d", settings=QUICK)
        with postgres:
            # As if every file permission had been lost.
            for folder in (base / "d", postgres.home.folder, postgres.home.cluster):
                folder.chmod(0o777)
            (postgres.home.cluster / ".s.PGSQL.5432").chmod(0o777)
            for uid in (NOBODY, STRANGER):
                for role in ("tocsin", "postgres"):
                    said = attempt(postgres.url.replace("tocsin@", f"{role}@"), uid)
                    assert f'Peer authentication failed for user "{role}"' in said


def test_a_long_path_gets_a_short_socket_folder_closed_to_others(prepared_folder: Path) -> None:
    with traversable(Path("/tmp")) as base:
        deep = base / ("long" * 20) / ("longer" * 20)
        shutil.copytree(prepared_folder, deep)
        postgres = EmbeddedPostgres(deep, settings=QUICK)
        with postgres as url:
            folder = postgres.socket_folder
            found = folder.lstat()
            assert not folder.is_relative_to(deep)
            assert stat.S_IMODE(found.st_mode) == 0o700
            assert found.st_uid == postgres.home.cluster.stat().st_uid
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            other = User(deep)
            assert other.entered() == url
            if IS_ROOT:
                assert "Permission denied" in attempt(url, NOBODY)
            other.leave()
        assert not folder.exists()


def test_a_squatted_socket_folder_is_not_used(prepared_folder: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 20)
    shutil.copytree(prepared_folder, deep)
    squatted = tmp_path / "squatted"
    squatted.mkdir(mode=0o777)
    squatted.chmod(0o777)
    (deep / "postgres" / "socket").write_text(str(squatted))
    postgres = EmbeddedPostgres(deep, settings=QUICK)
    with postgres:
        assert postgres.socket_folder != squatted
        assert list(squatted.iterdir()) == []


def test_a_path_with_odd_characters(prepared_folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a, b; 'c' \"d\" %20 ü"
    shutil.copytree(prepared_folder, odd)
    with EmbeddedPostgres(odd, settings=QUICK) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@as_root
def test_an_ordinary_user_runs_it_as_itself_and_root_may_join() -> None:
    interpreter(NOBODY)
    with traversable(Path("/tmp")) as base:
        os.chown(base, NOBODY, NOBODY)
        user = User(base / "d", uid=NOBODY)
        url = user.entered()
        assert url.startswith("postgresql://"), url
        postgres = EmbeddedPostgres(base / "d", settings=QUICK)
        with postgres:
            assert os.stat(f"/proc/{postgres.server_pid}").st_uid == NOBODY
            user.leave()
            # The last user is root now: what it does must not lock the owner out.
            assert psycopg.connect(url).execute("SELECT 1").fetchone() == (1,)
            os.kill(int(postgres.home.keeper_lock.read_text()), 9)
            postgres.ensure_running()
            again = User(base / "d", uid=NOBODY)
            assert again.entered() == url
        again.leave()
        assert servers(base / "d" / "postgres" / "data") == []
        assert {path.lstat().st_uid for path in (base / "d").rglob("*")} == {NOBODY}


@as_root
def test_root_that_comes_first_to_a_users_folder_leaves_it_to_the_user() -> None:
    interpreter(NOBODY)
    with traversable(Path("/tmp")) as base:
        os.chown(base, NOBODY, NOBODY)
        with EmbeddedPostgres(base, settings=QUICK) as url:
            user = User(base, uid=NOBODY)
            assert user.entered() == url
        user.leave()
        assert {path.lstat().st_uid for path in base.rglob("*")} == {NOBODY}


@as_root
def test_a_folder_copied_by_root_is_given_back_to_its_server(spare_folder: Path) -> None:
    cluster = spare_folder / "postgres" / "data"
    assert cluster.stat().st_uid == 0
    cluster.chmod(0o755)
    with EmbeddedPostgres(spare_folder, settings=QUICK):
        owners = {path.lstat().st_uid for path in cluster.rglob("*")}
        assert owners == {cluster.stat().st_uid}
        assert owners != {0}
        assert stat.S_IMODE(cluster.stat().st_mode) == 0o700


@as_root
def test_root_works_in_no_third_users_folder_for_the_owner(tmp_path: Path) -> None:
    owners, victim = tmp_path / "owners", tmp_path / "victim"
    owners.mkdir()
    victim.mkdir(mode=0o755)
    (owners / "postgres").symlink_to(victim)
    os.chown(owners, NOBODY, NOBODY)
    with pytest.raises(EmbeddedError, match="belong to different users"):
        EmbeddedPostgres(owners).start()
    assert list(victim.iterdir()) == []
    assert stat.S_IMODE(victim.stat().st_mode) == 0o755


@as_root
def test_programs_only_root_can_reach_are_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data_dir: Path
) -> None:
    package = binaries.packaged().parent.parent
    closed = tmp_path / "closed" / package.name
    closed.parent.mkdir(mode=0o700)
    shutil.copytree(package.parent / f"{package.name}.libs", closed.parent / f"{package.name}.libs")
    shutil.copytree(package, closed, ignore=shutil.ignore_patterns("include", "*.a"))
    with traversable(Path("/var/tmp")) as shelf:
        monkeypatch.setattr(binaries, "packaged", lambda: closed / "pginstall" / "bin")
        monkeypatch.setattr(binaries, "_SHELVES", (shelf / "shelf",))
        postgres = EmbeddedPostgres(data_dir, settings=QUICK)
        for _ in range(2):
            with postgres as url, psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                program = os.readlink(f"/proc/{postgres.server_pid}/exe")
                assert Path(program).is_relative_to(shelf)
        assert len(list((shelf / "shelf").iterdir())) == 1


@as_root
def test_programs_only_root_can_reach_and_no_place_for_a_copy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data_dir: Path
) -> None:
    closed = tmp_path / "closed" / "pg" / "pginstall" / "bin"
    closed.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    (closed / "postgres").touch(mode=0o755)
    monkeypatch.setattr(binaries, "packaged", lambda: closed)
    monkeypatch.setattr(binaries, "_SHELVES", ())
    with pytest.raises(EmbeddedError, match="install tocsin outside of root's home"):
        EmbeddedPostgres(data_dir).start()


@as_root
def test_root_that_may_not_become_another_user(tmp_path: Path) -> None:
    # In a user namespace without further ids, root is the only user there is.
    alone = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("cannot make a user namespace here")
    start = [sys.executable, "-m", "tocsin.store.embedded", str(tmp_path / "d"), "psql"]
    answer = subprocess.run([*alone, *start], capture_output=True, text=True, check=False)
    assert "root cannot become user" in answer.stderr
    assert "run tocsin as an ordinary user, or set TOCSIN_DATABASE_URL" in answer.stderr
    assert answer.stderr.count("\n") == 1


@as_root
def test_in_a_container_with_few_user_ids_a_known_user_has_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(identity, "_mapped", lambda uid: False)
    user = identity.server_user(tmp_path, tmp_path / "none")
    assert pwd.getpwuid(user.uid).pw_name == "nobody"
