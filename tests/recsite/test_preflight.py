from __future__ import annotations

import socket
from collections import namedtuple

import pytest

from recsite import preflight

Usage = namedtuple("Usage", "total used free")


def test_a_free_port_and_disk_pass(tmp_path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    assert preflight.check(home=tmp_path / "new", port=port) is None


def test_a_taken_port_names_the_next(tmp_path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(preflight.NotReady) as refused:
            preflight.check(home=tmp_path, port=port)

    assert str(refused.value) == (
        f"Port {port} is taken by another program. Choose another: make demo PORT={port + 1}"
    )


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(tmp_path, port: int) -> None:
    with pytest.raises(preflight.NotReady) as refused:
        preflight.check(home=tmp_path, port=port)

    assert str(refused.value) == f"{port} is no port: it must be between 1 and 65535."


def test_a_full_disk_says_how_much_is_missing(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(10**9, 10**9, 5 * 2**20))

    with pytest.raises(preflight.NotReady) as refused:
        preflight.check(home=tmp_path / "home", port=None)

    assert str(refused.value) == (
        f"The disk of {tmp_path / 'home'} is full: 5 MB are free and 500 MB are needed. "
        "Free some space or set RECSITE_HOME to a folder on another disk."
    )


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0)])
def test_a_python_too_old_or_too_new_is_refused(tmp_path, monkeypatch, version) -> None:
    monkeypatch.setattr("sys.version_info", version)
    monkeypatch.setattr("sys.version", ".".join(map(str, version)) + " (main)")

    with pytest.raises(preflight.NotReady) as refused:
        preflight.check(home=tmp_path, port=None)

    assert str(refused.value).startswith(
        f"Recsite needs Python 3.11, 3.12 or 3.13; this is {'.'.join(map(str, version))}."
    )
