"""The plain form in which events travel between files, database, learning, tracking and evaluation.

Legend: E events, U end users, N items, C categories ("uncategorised" included, always the last).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from interests.datasets.attributes import Attributes

UNCATEGORISED = "uncategorised"


@dataclass(frozen=True)
class Catalogue:
    """Items and the categories they belong to.

    Attributes:
        item_ids: the clients' ids, unique, `object` array of str. [N]
        titles: "" where unknown, `object` array of str. [N]
        category_names: names of the categories, the last is `UNCATEGORISED`. C of them
        shares: row i says how item i's one event is shared among categories: equal parts, or all of
            it "uncategorised"; rows sum to 1, float32. [N, C]
        descriptions: further words of each item, "" where there are none, `object` array of str; None where
            they were not asked for. [N]
    """

    item_ids: NDArray[np.object_]
    titles: NDArray[np.object_]
    category_names: tuple[str, ...]
    shares: NDArray[np.float32]
    descriptions: NDArray[np.object_] | None = None

    @classmethod
    def build(
        cls,
        *,
        item_ids: Sequence[str],
        titles: Sequence[str] | None = None,
        categories: Sequence[Sequence[str]] | None = None,
        descriptions: Sequence[str] | None = None,
    ) -> Catalogue:
        """Build a catalogue from lists as long as `item_ids`; category names are put in sorted order."""
        categories = categories if categories is not None else [()] * len(item_ids)
        names = sorted({name for row in categories for name in row} - {UNCATEGORISED})
        names.append(UNCATEGORISED)
        column = {name: index for index, name in enumerate(names)}
        shares = np.zeros((len(item_ids), len(names)), np.float32)
        for row, own in enumerate(categories):
            own = sorted(set(own)) or [UNCATEGORISED]
            for name in own:
                shares[row, column[name]] = 1 / len(own)
        return cls(
            item_ids=np.asarray(item_ids, object),
            titles=np.asarray(titles if titles is not None else [""] * len(item_ids), object),
            category_names=tuple(names),
            shares=shares,
            descriptions=None if descriptions is None else np.asarray(descriptions, object),
        )

    @property
    def texts(self) -> NDArray[np.object_]:
        """Return all words of each item: its title, then what further describes it. [N]"""
        if self.descriptions is None:
            return self.titles
        return np.asarray(self.titles + " " + self.descriptions, object)

    @property
    def num_items(self) -> int:
        return len(self.item_ids)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Catalogue:
        """Return the items at `index` (or where it is True), with the same categories."""
        return replace(
            self,
            item_ids=self.item_ids[index],
            titles=self.titles[index],
            shares=self.shares[index],
            descriptions=None if self.descriptions is None else self.descriptions[index],
        )


@dataclass(frozen=True)
class InteractionLog:
    """Events in columns of equal length; `sorted` puts them in order of user, then time.

    Attributes:
        catalogue: what `items` points into
        user_ids: the clients' ids, unique, `object` array of str. [U]
        users: index into `user_ids`, int32. [E]
        items: index into the catalogue, int32. [E]
        kinds: index into `kind_names`, int16. [E]
        values: the event's value, NaN where it has none, float32. [E]
        times: microseconds since 1970-01-01 UTC, int64. [E]
        positions: the event's place in the file (or order of arrival), int64. [E]
        kind_names: names of kinds
        kind_weights: a weight for each kind; below 0 is a negative signal, float32
        attributes: what is known of the end users beside their events; None: nothing, or not asked for
        devices: on what each event was done, index into `device_names`, -1 where that is not known, int16;
            None: known of none, or not asked for. [E]
        device_names: names of devices

    Raises:
        ValueError: attributes of other end users, or devices of other events, than these.
    """

    catalogue: Catalogue
    user_ids: NDArray[np.object_]
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    kinds: NDArray[np.int16]
    values: NDArray[np.float32]
    times: NDArray[np.int64]
    positions: NDArray[np.int64]
    kind_names: tuple[str, ...]
    kind_weights: NDArray[np.float32]
    attributes: Attributes | None = None
    devices: NDArray[np.int16] | None = None
    device_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.attributes is not None and len(self.attributes.values) != self.num_users:
            raise ValueError("A log with other end users needs their attributes: see `of_people`.")
        if self.devices is not None and len(self.devices) != self.num_events:
            raise ValueError("A log with other events needs their devices: see `take`.")

    @property
    def num_events(self) -> int:
        return len(self.users)

    @property
    def num_users(self) -> int:
        return len(self.user_ids)

    @property
    def num_items(self) -> int:
        return self.catalogue.num_items

    @cached_property
    def is_negative(self) -> NDArray[np.bool_]:
        """Mark the events whose kind has a weight below 0: evidence, never targets. [E]"""
        return (self.kind_weights < 0)[self.kinds]

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """Where each user's events begin in a sorted log, and one past the last. [U + 1]"""
        assert (np.diff(self.users) >= 0).all(), "sort the log first"
        counts = np.bincount(self.users, minlength=self.num_users)
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def sorted(self, *, ties: str = "random", seed: int = 0) -> InteractionLog:
        """Return the events in order of user, then time.

        Args:
            ties: the order of one user's events at one time. "random": drawn from `seed` and the
                item, whatever the order of the file; "file": the order of the file.
            seed: 0 or more, used by "random".

        Raises:
            ValueError: another word for `ties`.
        """
        if ties == "file":
            last = self.positions
        elif ties == "random":
            last = np.random.default_rng(seed).permutation(max(self.num_items, 1))[self.items]
        else:
            raise ValueError(f'ties must be "random" or "file", not {ties!r}')
        order = np.lexsort((self.positions, last, self.times, self.users))
        return self.take(order)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> InteractionLog:
        """Return the events at `index` (or where it is True), with the same users and catalogue."""
        return replace(
            self,
            users=self.users[index],
            items=self.items[index],
            kinds=self.kinds[index],
            values=self.values[index],
            times=self.times[index],
            positions=self.positions[index],
            devices=None if self.devices is None else self.devices[index],
        )

    def of_people(
        self,
        people: NDArray[np.integer],
        *,
        users: NDArray[np.integer],
        user_ids: NDArray[np.object_] | None = None,
    ) -> InteractionLog:
        """Return the same events as those of other people, of each of whom is known what is of one of these.

        Args:
            people: of whom, index into `user_ids`; the same one may come more than once. [P]
            users: whose each event is then, index into `people`. [E]
            user_ids: their ids, unique; None: they keep their own. [P]
        """
        return replace(
            self,
            user_ids=self.user_ids[people] if user_ids is None else user_ids,
            users=users.astype(np.int32),
            attributes=None if self.attributes is None else self.attributes.take(people),
        )
