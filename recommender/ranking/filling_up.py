"""The last fallback: everything there is, the newest first, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

# Key and id of the items with keys below one, or of all: the largest keys, which are the newest, first.
Everything = Callable[[int | None], Iterable[tuple[int, str]]]


class Catalogue:
    """Goes through everything once; what does not fit on one page waits for the next."""

    def __init__(self, everything: Everything | None, below: int | None) -> None:
        """Begin, or go on at the items with keys below one; with None for `everything` there is nothing."""
        self._everything, self._below = everything, below
        self._left: Iterator[tuple[int, str]] | None = None
        self._waiting: list[tuple[int, str]] = []
        self._given: set[int] = set()

    @property
    def is_waiting(self) -> bool:
        """Tell whether something did not fit so far."""
        return bool(self._waiting)

    def next(
        self, may_enter: Callable[[int, str], bool], fits: Callable[[int], bool]
    ) -> tuple[int, str] | None:
        """Return the first item that may enter and fits, None where there is none."""
        if self._everything is None:
            return None
        # Another fallback may have given them meanwhile.
        self._waiting = [one for one in self._waiting if may_enter(*one)]
        for at, one in enumerate(self._waiting):
            if fits(one[0]):
                del self._waiting[at]
                self._given.add(one[0])
                return one
        if self._left is None:
            self._left = iter(self._everything(self._below))
        for one in self._left:
            self._below = one[0]
            if not may_enter(*one):
                continue
            if fits(one[0]):
                self._given.add(one[0])
                return one
            self._waiting.append(one)
        return None

    def below(self) -> int | None:
        """Return where another look goes on: at the items with keys below this; None: not begun."""
        return self._waiting[0][0] + 1 if self._waiting else self._below

    def behind(self) -> set[int]:
        """Return the items given that another look does not come by again."""
        below = self.below()
        return {item for item in self._given if below is not None and item >= below}
