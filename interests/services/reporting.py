"""How far long work is, on the run's page and on the terminal, while its own connection is busy."""

from __future__ import annotations

import sys
import threading
import time
from typing import Protocol, Self

from django.db import DatabaseError, connection
from tqdm import tqdm

from interests.models import RunState
from interests.services.running import Hold, RunStopped

WRITE_SECONDS = 1.0
LINE_SECONDS = 60.0


class Watcher(Protocol):
    """What is told how far the work is; `Progress` is one."""

    def step(self, text: str, share: float) -> None:
        """Hear what is done now and which share of the whole was done before it."""

    def at(self, share: float) -> None:
        """Hear which share of the whole is done."""


class Nobody:
    """Is told and does nothing: for work of a moment."""

    def step(self, text: str, share: float) -> None:
        pass

    def at(self, share: float) -> None:
        pass


class Progress:
    """Says how far a run is. A thread writes it, so that a long statement or COPY does not hide it.

    Use as a context; call `step` and `at` as often as you like.
    """

    def __init__(self, hold: Hold, *, is_shown: bool) -> None:
        self._hold = hold
        self._is_shown = is_shown
        self._said: tuple[str, float] = ("", 0.0)
        self._text, self._share = "", 0.0
        self._is_stop_requested = False
        self._ended = threading.Event()
        self._line_at = time.monotonic()
        is_terminal = is_shown and sys.stderr.isatty()
        self._bar = tqdm(total=1000, bar_format="{desc} {percentage:3.0f} %|{bar}| {elapsed}<{remaining}") if is_terminal else None  # fmt: skip
        self._thread = threading.Thread(
            target=self._write, daemon=True, name=f"progress of {hold.run}"
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._bar is not None:
            self._bar.close()

    def step(self, text: str, share: float) -> None:
        """Say what is done now and which share of the whole was done before it.

        Raises:
            RunStopped: somebody asked for it.
        """
        self._text = text
        self.at(share)

    def at(self, share: float) -> None:
        """Say which share of the whole is done, 0 to 1.

        Raises:
            RunStopped: somebody asked for it.
        """
        self._share = min(max(share, 0.0), 1.0)
        if self._is_stop_requested:
            raise RunStopped(f"{self._hold.run} was asked to stop.")
        if self._bar is not None:
            self._bar.set_description_str(self._text, refresh=False)
            self._bar.update(round(1000 * self._share) - self._bar.n)
        elif self._is_shown and time.monotonic() - self._line_at > LINE_SECONDS:
            self._line_at = time.monotonic()
            print(f"{self._text}: {self._share:.0%}", file=sys.stderr, flush=True)

    def _write(self) -> None:
        while not self._ended.wait(WRITE_SECONDS):
            try:
                mine = self._hold.mine()
                if (self._text, self._share) != self._said:
                    self._said = (self._text, self._share)
                    mine.filter(state=RunState.STARTED).update(
                        step=self._text[:200], share_done=self._share
                    )
                self._is_stop_requested = mine.filter(is_stop_requested=True).exists()
            except DatabaseError:
                pass  # the work itself will meet the same and say so
            finally:
                connection.close()
