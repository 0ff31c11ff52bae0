"""What the demo says: lines with the name of who speaks, and one progress bar on a real terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from interests.models import Run, RunState

# Where nobody watches a bar, a line this often says that the work goes on.
LINE_SECONDS = 60.0


class Terminal:
    """One place that prints, so that lines and the bar do not write over each other."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._shown = ""
        self._said_at = 0.0
        # The supervisor starts processes from a process with one thread; tqdm would add another.
        tqdm.monitor_interval = 0

    def write(self, text: str) -> None:
        """Print as it is, above the bar."""
        tqdm.write(text, file=sys.stdout)
        sys.stdout.flush()

    def say(self, name: str, text: str) -> None:
        """Print a line with the name of who speaks."""
        self.write(f"{name:<12}| {text}")

    def show_progress(self, runs: Sequence[Run]) -> None:
        """Show how far the first run at work is: as a bar, or as a line now and then."""
        run = next((run for run in runs if run.state == RunState.STARTED), None)
        if run is None:
            self.close()
        elif sys.stderr.isatty():
            self._move_bar(run)
        else:
            self._say_now_and_then(run)

    def show_end(self, run: Run) -> None:
        """Say how a run ended."""
        seconds = (
            f" in {(run.finished_at - run.started_at).total_seconds():.0f} s"
            if run.finished_at and run.started_at
            else ""
        )
        self.close()
        self.say(
            str(run._meta.verbose_name), " ".join(f"{run.state}{seconds}. {run.error}".split())
        )

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._shown = ""

    def _move_bar(self, run: Run) -> None:
        if self._bar is None or self._shown != str(run):
            self.close()
            self._bar = tqdm(
                total=100, leave=False, bar_format="{desc}|{bar:30}| {percentage:3.0f} %"
            )
            self._shown = str(run)
        self._bar.set_description_str(f"{run._meta.verbose_name!s:<12}| {run.step[:60]:<60}", False)
        self._bar.n = round(run.share_done * 100)
        self._bar.refresh()

    def _say_now_and_then(self, run: Run) -> None:
        now = time.monotonic()
        if self._shown != str(run) or now - self._said_at >= LINE_SECONDS:
            self._shown, self._said_at = str(run), now
            self.say(str(run._meta.verbose_name), f"{run.share_done:.0%} {run.step}")
