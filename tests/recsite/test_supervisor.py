from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from recsite import children, supervisor
from recsite.supervisor import CannotSupervise, Program, Supervisor

SLEEPER = "import time; time.sleep(600)"
# Starts a child in a session of its own, as a worker does with a training, and waits.
PARENT = (
    "import subprocess, sys; "
    f"subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], start_new_session=True).wait()"
)
# Answers no polite signal.
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
SUPERVISE = """
import sys
from pathlib import Path
from tests.recsite import test_supervisor as this
home = Path(sys.argv[1])
with this.Supervisor(home=home, say=print) as site:
    site.add(this.program("parent", home, this.PARENT))
    print("ready", flush=True)
    site.run()
"""
PATIENCE_SECONDS = 20


def program(name: str, home: Path, code: str) -> Program:
    def start(again: bool) -> subprocess.Popen[bytes]:
        return children.start(
            [sys.executable, "-c", code],
            log=home / "logs" / f"{name}.log",
            parent_died=signal.SIGTERM,
        )

    return Program(name, start)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def said() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def site(tmp_path: Path, said: list[tuple[str, str]]) -> Supervisor:
    return Supervisor(home=tmp_path, say=lambda name, text: said.append((name, text)))


def test_a_killed_program_is_started_again_and_said_so(tmp_path, site, said) -> None:
    with site:
        site.add(program("worker", tmp_path, SLEEPER))
        first = site.pids()["worker"]
        os.kill(first, signal.SIGKILL)

        is_back = site.run(seconds=10, until=lambda: site.pids().get("worker", first) != first)

        assert is_back
        assert [name for name, _ in said] == ["worker"]
        assert said[0][1].startswith("ended (signal SIGKILL); starting it again in 0.5 s.")


def test_restarts_of_what_always_fails_slow_down(tmp_path, site, said) -> None:
    with site:
        site.add(program("broken", tmp_path, "raise SystemExit(3)"))

        site.run(seconds=30, until=lambda: site.num_deaths("broken") == 3)

    assert [text.split(".")[0] for _, text in said] == [
        "ended (exit code 3); starting it again in 0",
        "ended (exit code 3); starting it again in 1 s",
        "ended (exit code 3); starting it again in 2 s",
    ]


def test_leaving_the_block_ends_programs_and_their_descendants(tmp_path, site) -> None:
    with site:
        site.add(program("parent", tmp_path, PARENT))
        wait_until(lambda: len(children.descendants(site.pids()["parent"])) == 1)
        parent = psutil.Process(site.pids()["parent"])
        family = [parent, *children.descendants(parent.pid)]

    assert [process for process in family if children.is_alive(process)] == []


def test_what_ignores_the_polite_signal_is_killed(tmp_path, site, monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 1.0)
    with site:
        site.add(program("stubborn", tmp_path, STUBBORN))
        stubborn = site.pids()["stubborn"]

    assert not psutil.pid_exists(stubborn)


def test_workers_end_before_the_servers_they_need(tmp_path, site, monkeypatch) -> None:
    ended: list[str] = []
    names: dict[int, str] = {}
    stop = children.stop

    def noting(*processes: tuple[subprocess.Popen[bytes], signal.Signals], seconds: float) -> None:
        ended.extend(names[process.pid] for process, _ in processes)
        stop(*processes, seconds=seconds)

    monkeypatch.setattr(children, "stop", noting)
    with site:
        server = program("server", tmp_path, SLEEPER)
        site.add(Program(server.name, server.start, is_server=True))
        site.add(program("worker", tmp_path, SLEEPER))
        names = {pid: name for name, pid in site.pids().items()}

    assert ended == ["worker", "server"]


def test_errors_in_a_log_are_repeated_on_the_terminal_and_the_rest_is_not(
    tmp_path, site, said
) -> None:
    lines = "print('all is well'); print('ERROR: no more room', flush=True); " + SLEEPER
    with site:
        site.add(program("talker", tmp_path, lines))

        site.run(seconds=10, until=lambda: bool(said))

    assert said == [("talker", "ERROR: no more room")]


def test_a_second_supervisor_on_the_same_home_is_refused(tmp_path, site) -> None:
    with site, pytest.raises(CannotSupervise) as refused, Supervisor(home=tmp_path, say=print):
        pass

    assert str(refused.value) == (
        f"Recsite runs already on {tmp_path} (process {os.getpid()}). Stop that one with Ctrl-C "
        f"(or: kill {os.getpid()}), or set RECSITE_HOME to another folder."
    )


def test_a_lock_left_by_a_dead_supervisor_does_not_hinder(tmp_path, site) -> None:
    (tmp_path / "supervisor.lock").write_text("4194000")

    with site:
        written = (tmp_path / "supervisor.lock").read_text()

    assert written == str(os.getpid())


def test_a_home_that_is_a_file_is_one_clear_sentence(tmp_path) -> None:
    home = tmp_path / "home"
    home.write_text("")

    with pytest.raises(CannotSupervise) as refused, Supervisor(home=home, say=print):
        pass

    assert str(refused.value) == (
        f"RECSITE_HOME={home} cannot be used: File exists ({home}). Set it to a folder of your own."
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_everything_down(tmp_path, number: signal.Signals) -> None:
    process = start_supervisor(tmp_path)

    process.send_signal(number)
    process.wait(PATIENCE_SECONDS)

    assert supervisor.leftovers(tmp_path) == []


def test_what_outlives_a_killed_supervisor_is_ended_by_the_next_one(tmp_path, site, said) -> None:
    process = start_supervisor(tmp_path)
    process.kill()
    process.wait()
    # The kernel ends the program; its child, in a session of its own, gets away.
    wait_until(lambda: len(supervisor.leftovers(tmp_path)) == 1)

    with site:
        left = supervisor.leftovers(tmp_path)

    assert left == []
    assert said == [("site", "Ending 1 process that an earlier start left behind.")]


def start_supervisor(home: Path) -> subprocess.Popen[bytes]:
    """Start a supervisor of a program with a child and wait until all three run."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE, str(home)], cwd=root, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    wait_until(lambda: len(supervisor.leftovers(home)) == 2)
    return process
