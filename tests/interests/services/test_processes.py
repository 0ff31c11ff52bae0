from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from interests.services import processes

# Starts a child of its own, writes both numbers and sleeps.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
with open(sys.argv[1] + ".draft", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".draft", sys.argv[1])
time.sleep(300)
"""
WAITER = """
import sys
from pathlib import Path
from interests.services import processes
processes.run_to_end([sys.executable, "-c", sys.argv[1], sys.argv[2]], log=Path(sys.argv[2] + ".log"))
"""


def pids(path: Path) -> list[int]:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [int(pid) for pid in path.read_text().split()]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def all_gone(numbers: list[int]) -> bool:
    deadline = time.monotonic() + 30
    while not all(is_gone(pid) for pid in numbers):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_the_exit_code_and_the_output_are_kept(tmp_path):
    log = tmp_path / "logs" / "out.log"

    code = processes.run_to_end([sys.executable, "-c", "print('hello'); exit(3)"], log=log)

    assert (code, log.read_text()) == (3, "hello\n")


def test_a_command_ended_by_a_signal_has_a_negative_code(tmp_path):
    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]

    assert processes.run_to_end(command, log=tmp_path / "log") == -9


@pytest.mark.services
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_waiter_that_is_told_to_end_takes_the_whole_family_along(tmp_path, how):
    # A shell lets what it runs in the background ignore Ctrl-C; this must not depend on who started it.
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n" + WAITER
    )
    waiter = subprocess.Popen(
        [sys.executable, "-c", code, FAMILY, str(tmp_path / "pids")], cwd=settings.BASE_DIR,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    family = pids(tmp_path / "pids")

    waiter.send_signal(how)
    waiter.wait(30)

    assert all_gone(family)


@pytest.mark.services
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_a_waiter_that_is_killed_takes_the_command_along(tmp_path):
    waiter = subprocess.Popen(
        [sys.executable, "-c", WAITER, FAMILY, str(tmp_path / "pids")], cwd=settings.BASE_DIR
    )
    command, grandchild = pids(tmp_path / "pids")

    os.kill(waiter.pid, signal.SIGKILL)
    waiter.wait()

    assert all_gone([command])
    os.kill(grandchild, signal.SIGKILL)
