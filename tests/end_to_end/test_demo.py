"""`manage.py demo` as a newcomer meets it: real processes, from nothing to slates, and away again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from recsite import supervisor

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 500

pytestmark = [pytest.mark.services, pytest.mark.slow]


class Demo:
    """A running demo, its output line by line, and its API."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        self.lines: list[str] = []
        self.process = start(home, *arguments)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, text: str) -> str:
        """Return the first line with a text, once it is there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for line in list(self.lines):
                if text in line:
                    return line
            assert self.process.poll() is None and time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.1)

    def value(self, name: str) -> str:
        """Return what the welcome says under a name."""
        found = re.search(rf"^    {name} +(\S+)$", "".join(self.lines), re.MULTILINE)
        assert found is not None, "".join(self.lines)
        return found[1]

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            self.value("address") + path.lstrip("/"),
            headers={"Authorization": f"Bearer {self.value('API key')}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(output)


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.endswith("_URL")},
        "RECSITE_HOME": str(home),
        "PGPORT": "1",  # speaks of another server and must not matter
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_to_end(home: Path, *arguments: str) -> tuple[int, str]:
    process = start(home, *arguments)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    subprocess.run(
        [sys.executable, "manage.py", "simulate", folder, "--users", "40", "--items", "80"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture(scope="module")
def demo(data: Path, port: int) -> Iterator[Demo]:
    # Not under pytest's own folder: see `server_home`.
    home = Path(tempfile.mkdtemp(prefix="recsite-demo-"))
    demo = Demo(home, "--data", str(data), "--port", str(port))
    try:
        demo.wait_for("All done: ")
        yield demo
    finally:
        demo.stop()
        shutil.rmtree(home, ignore_errors=True)


def test_the_demo_ends_with_slates_for_everybody_and_evaluations(demo: Demo) -> None:
    said = demo.wait_for("All done: ")
    counts = [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", said)]

    end_users, items, events, slates = counts
    assert (end_users, slates) == (40, 40)
    assert items == 80
    assert events > 40
    assert {run["split"] for run in demo.get("/api/v1/evaluations")["evaluations"]} == {
        "leave-one-out",
        "time",
    }


def test_what_the_demo_keeps_is_its_owners_alone(demo: Demo) -> None:
    modes = {
        name: (demo.home / name).stat().st_mode & 0o077
        for name in ("demo.json", "secret_key", "run", "logs", "redis", "postgres")
    }

    assert set(modes.values()) == {0}


def test_the_readme_s_calls_work_as_they_are_and_move_the_next_answer(demo: Demo) -> None:
    readme = (ROOT / "README.md").read_text()
    block = readme.split("<!-- api:", 1)[1].split("```sh\n", 1)[1].split("```", 1)[0]
    before = demo.get("/api/v1/users/ada/recommendations?n=5")

    ran = subprocess.run(
        ["bash", "-e", "-c", block],
        env={
            **os.environ,
            "SITE": demo.value("address").rstrip("/"),
            "KEY": demo.value("API key"),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    answers = _json_values(ran.stdout)
    assert answers[0] == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert len(answers) == 5
    assert before["fallback"] is True
    after = _wait_for_own_slate(demo, "ada")
    assert after["items"] != before["items"]
    weights = demo.get("/api/v1/users/ada/interests")["weights"]
    assert sum(weights.values()) == pytest.approx(1, abs=1e-6)


def test_a_second_start_while_one_runs_says_so(demo: Demo, data: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        other = probe.getsockname()[1]

    code, said = run_to_end(demo.home, "--data", str(data), "--port", str(other))

    assert code == 1
    assert said == (
        f"CommandError: Recsite runs already on {demo.home} (process {demo.process.pid}). Stop that "
        f"one with Ctrl-C (or: kill {demo.process.pid}), or set RECSITE_HOME to another folder.\n"
    )


def test_a_taken_port_says_so(demo: Demo, tmp_path: Path, port: int) -> None:
    code, said = run_to_end(tmp_path, "--port", str(port))

    assert code == 1
    assert said == (
        f"CommandError: Port {port} is taken by another program. "
        f"Choose another: make demo PORT={port + 1}\n"
    )


def test_a_folder_without_data_says_so_before_anything_starts(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()

    code, said = run_to_end(tmp_path / "home", "--data", str(folder))

    assert code == 1
    assert said.startswith(f"CommandError: {folder} holds no interactions.csv, ")
    assert said.count("\n") == 1
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_killed_worker_is_started_again(demo: Demo) -> None:
    killed = _worker(demo, "live@")

    killed.kill()

    line = demo.wait_for("live        | ended (signal SIGKILL)")
    assert line.startswith("live        | ended (signal SIGKILL); starting it again in 0.5 s.")
    deadline = time.monotonic() + 60
    while _worker(demo, "live@") in (None, killed):
        assert time.monotonic() < deadline, "".join(demo.lines)
        time.sleep(0.2)


def test_ctrl_c_leaves_nothing_and_a_second_start_goes_on_from_what_is_there(
    demo: Demo, data: Path, port: int
) -> None:
    """The last test of the site, because it ends it."""
    first = demo.wait_for("All done: ")
    code = demo.stop()
    left = supervisor.leftovers(demo.home)

    again = Demo(demo.home, "--data", str(data), "--port", str(port))
    try:
        second = again.wait_for("All done: ")
        again.wait_for("Ctrl-C stops everything")
        said = "".join(again.lines)
        key = again.value("API key")
    finally:
        code_again = again.stop(signal.SIGTERM)

    assert (code, left) == (0, [])
    assert (
        demo.lines[-1]
        == "site        | Everything is stopped. Start again with the same command.\n"
    )
    assert key == demo.value("API key")
    # One end user more: ada, of the README. Nothing was imported or trained again.
    assert first.split()[3:] != second.split()[3:]
    assert re.findall(r"^(?:import|training|publication)\b", said, re.MULTILINE) == []
    assert (code_again, supervisor.leftovers(demo.home)) == (0, [])


def test_without_serving_it_ends_with_slates_and_no_process(server_home: Path, data: Path) -> None:
    code, said = run_to_end(server_home, "--data", str(data), "--no-serve")

    assert code == 0, said
    assert re.search(
        r"^All done: 40 end users, 80 items, [\d,]+ events, 40 slates\.$", said, re.MULTILINE
    )
    assert supervisor.leftovers(server_home) == []


def _json_values(text: str) -> list[Any]:
    decoder, values, position = json.JSONDecoder(), [], 0
    while position < len(text.rstrip()):
        value, position = decoder.raw_decode(text, position)
        values.append(value)
        while position < len(text) and text[position].isspace():
            position += 1
    return values


def _wait_for_own_slate(demo: Demo, user_id: str) -> Any:
    deadline = time.monotonic() + 60
    while (answer := demo.get(f"/api/v1/users/{user_id}/recommendations?n=5"))["fallback"]:
        assert time.monotonic() < deadline, "no slate of their own"
        time.sleep(0.2)
    return answer


def _worker(demo: Demo, name: str) -> psutil.Process | None:
    """Return the main process of a worker."""
    own = psutil.Process(demo.process.pid).children()
    alive = [process for process in own if process.status() != psutil.STATUS_ZOMBIE]
    return next((p for p in alive if any(name in part for part in p.cmdline())), None)
