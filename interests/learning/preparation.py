"""What a training learns from and what it is validated on.

Legend: E events, U end users, V validation users, N items.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from interests.learning.config import TrainingConfig
from interests.learning.event_kinds import EventKinds
from interests.learning.item_features import ItemFeatures
from interests.learning.sequences import Histories, histories
from interests.learning.trend import log_rises

# Validation may take this share of the targets: enough to stop by, too few to be missed.
VALIDATION_SHARE = 0.05
# Below this share of events whose item the person had used before, people do not come back to items.
REPEATS_SHARE = 0.01


class TooFewEvents(Exception):
    """There is nothing to learn from; the message says what is missing."""


@dataclass(frozen=True)
class Prepared:
    """A log made ready for training.

    Attributes:
        histories: of the items below, with the validation events no targets
        item_ids: items with at least one event, object. [N]
        item_counts: how often each is a training target, int64. [N]
        log_rises: how much more than usual each was chosen lately, see `trend`, float32. [N]
        kinds: how kinds and values of its events are numbered
        features: of the items, none of them where the settings say so
        validation_users: ascending, int64. [V], V may be 0
        validation_events: place in `histories` of each one's event to predict, int64. [V]
        repeats_items: whether people come back to items
    """

    histories: Histories
    item_ids: NDArray[np.object_]
    item_counts: NDArray[np.int64]
    log_rises: NDArray[np.float32]
    kinds: EventKinds
    features: ItemFeatures | None
    validation_users: NDArray[np.int64]
    validation_events: NDArray[np.int64]
    repeats_items: bool

    def fingerprint(self, config: TrainingConfig) -> str:
        """Return what two trainings share exactly when one may go on from the other's checkpoint."""
        own = self.histories
        digest = hashlib.sha256(repr(sorted(config.telling().items())).encode())
        digest.update("\0".join(self.item_ids).encode())
        for array in (own.items, own.kinds, own.gaps, own.is_target, own.offsets):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def prepare(log: InteractionLog, *, config: TrainingConfig) -> Prepared:
    """Choose items and validation events of a sorted log.

    Raises:
        TooFewEvents: fewer than two items, or nobody with an event before one that is not negative.
    """
    used = np.unique(log.items)
    if len(used) < 2:
        raise TooFewEvents(
            f"A network needs events with at least 2 different items; there are {len(used)}."
            " Import more events."
        )
    item_index = np.full(log.num_items, -1, np.int64)
    item_index[used] = np.arange(len(used))
    kinds = EventKinds.of_log(log)
    own = histories(log, item_index=item_index, kinds=kinds)
    own = replace(own, is_target=own.is_target & _has_past(own))
    if not own.is_target.any():
        raise TooFewEvents(
            "A network learns from what people did next, and nobody has two events of which the"
            " second is not negative. Import more events."
        )
    is_repeat = _is_repeat(own)
    users, events = _choose_validation(own, is_repeat=is_repeat, config=config)
    is_target = own.is_target.copy()
    is_target[events] = False
    return Prepared(
        histories=replace(own, is_target=is_target),
        item_ids=log.catalogue.item_ids[used],
        item_counts=np.bincount(own.items[is_target] - 1, minlength=len(used)),
        log_rises=log_rises(
            log, item_index=item_index, num_items=len(used), half_life=config.trend_half_life
        ),
        kinds=kinds,
        features=_features(log, used) if config.use_features else None,
        validation_users=users,
        validation_events=events,
        repeats_items=bool(is_repeat.mean() >= REPEATS_SHARE),
    )


def _features(log: InteractionLog, used: NDArray[np.integer]) -> ItemFeatures | None:
    """Return the features of the items in use, None where not one of them has any."""
    found = ItemFeatures.of_catalogue(log.catalogue.take(used))
    return found if found.names else None


def _has_past(own: Histories) -> NDArray[np.bool_]:
    """Mark the events that are not their end user's first. [E]"""
    is_first = np.zeros(len(own.items) + 1, bool)
    is_first[own.offsets] = True
    return ~is_first[:-1]


def _is_repeat(own: Histories) -> NDArray[np.bool_]:
    """Mark the events whose item the same end user had an event with before. [E]"""
    users = np.repeat(np.arange(len(own.offsets) - 1), np.diff(own.offsets))
    order = np.lexsort((np.arange(len(users)), own.items, users))
    same = (np.diff(users[order]) == 0) & (np.diff(own.items[order]) == 0)
    is_repeat = np.zeros(len(users), bool)
    is_repeat[order[1:][same]] = True
    return is_repeat


def _choose_validation(
    own: Histories, *, is_repeat: NDArray[np.bool_], config: TrainingConfig
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw users and return each one's last event that is not negative, unless it is a repeat."""
    targets = np.flatnonzero(own.is_target)
    users = np.searchsorted(own.offsets, targets, side="right") - 1
    is_last = np.append(np.diff(users) > 0, True)
    users, events = users[is_last], targets[is_last]
    is_new = ~is_repeat[events]
    users, events = users[is_new], events[is_new]
    limit = min(config.validation_users, int(VALIDATION_SHARE * len(targets)), len(users))
    # Small data: at least one, but never the only target there is.
    limit = max(limit, min(1, len(users), len(targets) - 1))
    chosen = np.random.default_rng(config.seed).permutation(len(users))[:limit]
    chosen.sort()
    return users[chosen], events[chosen]
