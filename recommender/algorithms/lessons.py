"""What a fusion learns from: questions whose answer is known, and what each member says of the likeliest items.

Legend: b end users asked about, q those that can be learned from, T targets, N items, M members, L candidates,
S scales of `fusion.SCALES`, G groups of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from interests.datasets.log import InteractionLog
from recommender.algorithms.mixtures import Describes
from recommender.algorithms.people import Population
from recommender.algorithms.protocol import Fitted
from recommender.ranking import fusion

# Of each member so many are candidates: what stands further down wins nowhere.
CANDIDATES = 100
# More end users would tell little more, and take memory: with ten members some 500 MB.
MAX_USERS = 4_000
# Cells of one member's scores worked out at a time: 16 MB of float32.
BLOCK_CELLS = 4_000_000
# Length of the lists that are measured; `evaluation.runner` shows what is measured for these alone.
K = 10
# A target in nobody's candidates teaches nothing, and says how much fusion cannot find.
NO_ITEM = -1


class Questions(Protocol):
    """End users and what they went on to choose; `evaluation.splits.Questions` are such."""

    @property
    def histories(self) -> InteractionLog: ...
    @property
    def users(self) -> NDArray[np.int32]: ...
    @property
    def offsets(self) -> NDArray[np.int64]: ...
    @property
    def items(self) -> NDArray[np.int32]: ...
    @property
    def times(self) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class Held:
    """Questions made of a log's own last events. Fields as in `evaluation.splits.Questions`."""

    histories: InteractionLog
    users: NDArray[np.int32]
    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    times: NDArray[np.int64]


@dataclass(frozen=True)
class Lessons:
    """Candidates of each question, with what the members say of them.

    Attributes:
        users: [q]
        items: candidates, `NO_ITEM` where there are fewer. [q, L]
        scaled: what each member says, on each scale, float32. [S, q, L, M]
        is_target: [q, L]
        num_targets: those included that no member has among its candidates. [q]
        groups: see `people`. [q, G]
        traits: see `traits`, 0 where there is no candidate. [q, L, E]
        num_asked: end users asked about, those included of whom nothing can be learned
        depth: to which ranks were looked at
        hides_seen: whether what was seen before is no candidate, and takes no place in rankings
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    scaled: NDArray[np.float32]
    is_target: NDArray[np.bool_]
    num_targets: NDArray[np.int64]
    groups: NDArray[np.float32]
    traits: NDArray[np.float32]
    num_asked: int
    depth: int
    hides_seen: bool

    def on(self, scale: fusion.Scale) -> NDArray[np.float32]:
        """Return what the members say, on a scale. [q, L, M]"""
        return np.asarray(self.scaled[fusion.SCALES.index(scale)])

    def traits_at(
        self, rows: NDArray[np.integer], places: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """Return traits of candidates. [c, E]"""
        return np.asarray(self.traits[rows, places])

    @property
    def is_item(self) -> NDArray[np.bool_]:
        return np.asarray(self.items != NO_ITEM)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Lessons:
        """Return some of the questions. The share of those of whom nothing can be learned stays."""
        kept = len(self.users[index])
        return Lessons(
            self.users[index],
            self.items[index],
            self.scaled[:, index],
            self.is_target[index],
            self.num_targets[index],
            self.groups[index],
            self.traits[index],
            round(self.num_asked * kept / max(len(self.users), 1)),
            self.depth,
            self.hides_seen,
        )

    def ndcg(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return NDCG@10 of each question with the candidates ranked by scores. [q, L] -> [q]"""
        hidden = np.where(self.is_item, scores, -np.inf)
        best = np.argsort(-hidden, axis=1, kind="stable")[:, :K]
        gains = 1 / np.log2(np.arange(best.shape[1]) + 2)
        found = (np.take_along_axis(self.is_target, best, axis=1) * gains).sum(1)
        ideal = np.cumsum(1 / np.log2(np.arange(K) + 2))[np.minimum(self.num_targets, K) - 1]
        return np.asarray(found / ideal)

    def mean_ndcg(self, scores: NDArray[np.float32]) -> float:
        """Return the mean NDCG@10 over everybody who was asked about."""
        return float(self.ndcg(scores).sum() / max(self.num_asked, 1))


def hold_out(log: InteractionLog) -> tuple[InteractionLog, Held]:
    """Hold back the last event of everybody who has another one; negative ones are no targets.

    Returns:
        The log without them and everything after them, and the questions about them, repeats left out.
    """
    positive = np.flatnonzero(~log.is_negative)
    ends = np.cumsum(np.bincount(log.users[positive], minlength=log.num_users))
    counts = np.diff(ends, prepend=0)
    users = np.flatnonzero(counts >= 2).astype(np.int32)
    events = positive[ends[users] - 1]
    limits = np.full(log.num_users, log.num_events)
    limits[users] = events
    before = log.take(np.arange(log.num_events) < limits[log.users])
    seen = before.users.astype(np.int64) * log.num_items + before.items
    is_new = ~np.isin(users.astype(np.int64) * log.num_items + log.items[events], seen)
    users, events = users[is_new], events[is_new]
    offsets = np.arange(len(users) + 1)
    return before, Held(before, users, offsets, log.items[events], log.times[events])


def gather(
    members: Sequence[Fitted],
    questions: Questions,
    *,
    population: Population,
    traits: Describes,
    depth: int,
    seed: int,
) -> Lessons:
    """Ask every member every question (of `MAX_USERS` end users at most), in blocks of end users.

    Items seen before are candidates only where some question is about such an item.
    """
    places = _drawn(questions, seed=seed)
    log = questions.histories
    has_repeats = _has_repeats(questions)
    step = max(1, BLOCK_CELLS // max(log.num_items, 1))
    blocks = []
    for first in range(0, len(places), step):
        some = places[first : first + step]
        users = questions.users[some]
        parts = [member.scores(log, users=users) for member in members]  # M of [b, N]
        is_new = np.ones_like(parts[0], bool) if has_repeats else unseen(log, users=users)
        ends = questions.offsets
        targets = [questions.items[ends[one] : ends[one + 1]] for one in some]
        groups = population.groups(log, users=users)
        block = _block(users, parts, is_new, targets, groups, depth=depth)
        blocks.append(_with_traits(block, traits, log))
    joined = _joined(
        blocks,
        num_asked=len(places),
        depth=depth,
        num_members=len(members),
        num_traits=traits.count,
    )
    return replace(joined, hides_seen=not has_repeats)


def ndcg_alone(member: Fitted, questions: Questions, *, seed: int) -> float:
    """Return the mean NDCG@10 of one member, each question counting its first target; equals share the worst place."""
    places = _drawn(questions, seed=seed)
    log, total = questions.histories, 0.0
    has_repeats = _has_repeats(questions)
    step = max(1, BLOCK_CELLS // max(log.num_items, 1))
    for first in range(0, len(places), step):
        some = places[first : first + step]
        users = questions.users[some]
        scores = member.scores(log, users=users)
        if not has_repeats:
            scores[~unseen(log, users=users)] = -np.inf
        own = scores[np.arange(len(some)), questions.items[questions.offsets[some]]]
        before = (scores >= own[:, None]).sum(axis=1) - 1
        is_found = (before < K) & np.isfinite(own)
        total += float((is_found / np.log2(before + 2)).sum())
    return total / max(len(places), 1)


def _drawn(questions: Questions, *, seed: int) -> NDArray[np.intp]:
    """Return the places of at most `MAX_USERS` end users."""
    places = np.arange(len(questions.users))
    if len(places) > MAX_USERS:
        places = np.sort(np.random.default_rng(seed).permutation(places)[:MAX_USERS])
    return places


def unseen(log: InteractionLog, *, users: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the items that are not in an end user's history. [b, N]"""
    is_new = np.ones((len(users), log.num_items), bool)
    for row, user in enumerate(users):
        is_new[row, log.items[log.offsets[user] : log.offsets[user + 1]]] = False
    return is_new


def _has_repeats(questions: Questions) -> bool:
    log = questions.histories
    owners = np.repeat(questions.users, np.diff(questions.offsets)).astype(np.int64)
    seen = log.users.astype(np.int64) * log.num_items + log.items
    return bool(np.isin(owners * log.num_items + questions.items, seen).any())


def _block(
    users: NDArray[np.int32],
    parts: Sequence[NDArray[np.float32]],
    is_new: NDArray[np.bool_],
    targets: Sequence[NDArray[np.int32]],
    groups: NDArray[np.float32],
    *,
    depth: int,
) -> Lessons:
    """Return the lessons of a block of end users that have a target among their candidates."""
    candidates = np.zeros_like(is_new)
    for part in parts:
        places = fusion.ranks(part, depth=CANDIDATES, counted=is_new)
        candidates |= (places < CANDIDATES) & is_new & np.isfinite(part)
    wanted = np.zeros_like(is_new)
    for row, own_targets in enumerate(targets):
        wanted[row, own_targets] = True
    kept = np.flatnonzero((candidates & wanted).any(axis=1))
    counts = candidates[kept].sum(axis=1)
    length = int(counts.max(initial=0))
    items = np.full((len(kept), length), NO_ITEM, np.int32)
    is_item = np.arange(length) < counts[:, None]
    items[is_item] = np.nonzero(candidates[kept])[1]
    rows = np.arange(len(kept))[:, None]
    scaled = np.zeros((len(fusion.SCALES), len(kept), length, len(parts)), np.float32)
    for number, scale in enumerate(fusion.SCALES):
        for member, part in enumerate(parts):
            all_of_it = fusion.scaled(part[kept], scale=scale, depth=depth, counted=is_new[kept])
            scaled[number, :, :, member] = np.where(is_item, all_of_it[rows, items], 0)
    return Lessons(
        users=users[kept],
        items=items,
        scaled=scaled,
        is_target=wanted[kept][rows, items] & is_item,
        num_targets=np.array([len(one) for one in targets], np.int64)[kept],
        groups=groups[kept],
        traits=np.zeros((len(kept), length, 0), np.float32),
        num_asked=len(users),
        depth=depth,
        hides_seen=True,
    )


def _with_traits(block: Lessons, traits: Describes, log: InteractionLog) -> Lessons:
    rows, places = np.nonzero(block.is_item)
    own = np.zeros((*block.items.shape, traits.count), np.float32)
    own[rows, places] = traits.at(
        log, users=block.users, rows=rows, items=block.items[rows, places]
    )
    return replace(block, traits=own)


def _joined(
    blocks: Sequence[Lessons], *, num_asked: int, depth: int, num_members: int, num_traits: int
) -> Lessons:
    """Return the lessons of all blocks, as long as the longest."""
    length = max((block.items.shape[1] for block in blocks), default=0)
    empty = np.zeros((len(fusion.SCALES), 0, length, num_members), np.float32)

    def longer(array: NDArray[np.generic], axis: int, value: object) -> NDArray[np.generic]:
        room = [(0, 0)] * array.ndim
        room[axis] = (0, length - array.shape[axis])
        return np.pad(array, room, constant_values=value)  # type: ignore[call-overload,no-any-return]

    return Lessons(
        users=np.concatenate([np.empty(0, np.int32), *(one.users for one in blocks)]),
        items=np.concatenate(
            [np.empty((0, length), np.int32), *(longer(one.items, 1, NO_ITEM) for one in blocks)]
        ),
        scaled=np.concatenate([empty, *(longer(one.scaled, 2, 0) for one in blocks)], axis=1),
        is_target=np.concatenate(
            [np.empty((0, length), bool), *(longer(one.is_target, 1, False) for one in blocks)]
        ),
        num_targets=np.concatenate(
            [np.empty(0, np.int64), *(one.num_targets for one in blocks)]
        ),
        groups=np.concatenate(
            [np.empty((0, blocks[0].groups.shape[1] if blocks else 0), np.float32), *(one.groups for one in blocks)]
        ),
        traits=np.concatenate([np.empty((0, length, num_traits), np.float32), *(longer(one.traits, 1, 0) for one in blocks)]),
        num_asked=num_asked,
        depth=depth,
        hides_seen=True,
    )  # fmt: skip
