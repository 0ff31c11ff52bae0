"""Progress of long work in a command: a bar on a terminal, a plain line a minute elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

from tqdm import tqdm

LINE_SECONDS = 60.0


class Progress:
    """Show steps and shares on a stream, standard error by default.

    Use as a context manager, and call with what is being done and how much of all, 0 to 1.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tqdm[Any] | None = None
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._bar = tqdm(
                total=100,
                leave=False,
                file=self._stream,
                bar_format="{desc} |{bar:30}| {percentage:3.0f} % {elapsed}",
            )
        return self

    def __call__(self, step: str, share_done: float) -> None:
        if self._bar is not None:
            self._bar.set_description_str(f"{step[:50]:<50}", refresh=False)
            self._bar.n = round(share_done * 100)
            self._bar.refresh()
        elif time.monotonic() - self._said_at >= LINE_SECONDS:
            self._said_at = time.monotonic()
            self._stream.write(f"{share_done:4.0%} {step}\n")
            self._stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
