from __future__ import annotations

import os
import subprocess
import sys

SHOW = """
import os
from pathlib import Path
from recsite import web_server
print(os.environ["PROMETHEUS_MULTIPROC_DIR"], Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).is_dir())
print(web_server.make_folder(Path(os.environ["PARENT"])))
web_server.on_exit(None)
"""


def test_a_server_counts_in_a_folder_of_its_own_and_takes_away_what_killed_ones_left(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"recsite-metrics-{ended.pid}-abc"
    others = tmp_path / f"recsite-metrics-{os.getpid()}-abc"
    left.mkdir()
    others.mkdir()
    environment = {**os.environ, "PARENT": str(tmp_path)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)

    shown = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()

    folder, is_there = shown[0].split()
    assert is_there == "True"
    assert not os.path.exists(folder)
    assert sorted(tmp_path.iterdir()) == sorted([others, tmp_path / shown[1].rpartition("/")[2]])
