"""Print how well cheaper ways of telling which events count for an item agree with leaving each one out.

    python -m benchmarks.attribution --data FOLDER [--seconds 120] [--users 100]

Trains a network on the folder, takes the first 20 items of people with full histories, and compares each way
with the truth: the change in score when the event never happened. One thread; a person at a time, and for
leaving out also many at a time, as a live worker does it. Of items that one event alone lifts by 0.05: rank correlation over a person's events
(Spearman), how often both name the same event first, what part of the gains of the best three events the
three it names really have, how often the sign is right where the truth is beyond 0.05, and the time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from interests import datasets
from interests.datasets.log import InteractionLog
from interests.learning import attribution, scoring, trainer
from interests.learning.config import TrainingConfig
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.sequences import Histories
from interests.learning.trained import TrainedNetwork

NUM_ITEMS, TOP, GROUP, STEPS = 20, 3, 5, 8
BEYOND = 0.05
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Person:
    """One history in the network's window, and the items to explain.

    Attributes:
        start, end: of the window among the network's histories; L events
        items: places of the items among the network's. [K]
    """

    user: int
    start: int
    end: int
    items: NDArray[np.int64]


@dataclass(frozen=True)
class Site:
    """What all ways work on."""

    network: TrainedNetwork
    log: InteractionLog
    own: Histories

    @property
    def module(self) -> InterestNetwork:
        assert isinstance(self.network.network, InterestNetwork)
        return self.network.network


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=120, help="for the training")
    parser.add_argument("--users", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    log = datasets.read(options.data).sorted()
    config = TrainingConfig.for_data(log, max_seconds=options.seconds)
    network = trainer.fit(log, config=config, device=torch.device("cpu"))
    site = Site(network, log, network.histories(log))
    print(f"width {config.width}, {config.num_blocks} blocks, window {config.max_length}")
    people = _people(site, options.users)
    exact = _leave_out(config.max_length)
    truth = [exact(site, person) for person in people]
    print("way | Spearman | same first | of the best three | sign | ms a person")
    for name, way in _ways(config.max_length).items():
        begin = time.perf_counter()
        found = [way(site, person) for person in people]
        milliseconds = 1000 * (time.perf_counter() - begin) / len(people)
        print(name, *_agreement(truth, found), f"{milliseconds:.1f}", sep=" | ")
    _print_together(site, people)
    _print_sizes(truth)
    _print_interests(site, people, truth)


def _people(site: Site, count: int) -> list[Person]:
    length = site.network.config.max_length
    full = np.flatnonzero(np.diff(site.own.offsets) >= length)
    users = np.random.default_rng(0).permutation(full)[:count]
    index = site.network.item_index(site.log.catalogue)
    tops = scoring.top_items(site.network, site.log, k=NUM_ITEMS, users=users)
    return [
        Person(user, int(end) - length, int(end), index[items])
        for block, rows, _ in tops
        for user, items, end in zip(block.tolist(), rows, site.own.offsets[block + 1], strict=True)
    ]


def _ways(length: int) -> dict[str, Callable[[Site, Person], Floats]]:
    return {
        f"leave each of {length} out": _leave_out(length),
        "leave each of the last 30 out": _leave_out(30),
        "leave each of the last 20 out": _leave_out(20),
        "leave each of the last 10 out": _leave_out(10),
        f"leave {GROUP} at once out": _leave_groups_out,
        "gradient x input": lambda site, person: _integrated(site, person, steps=1),
        f"integrated gradients, {STEPS} steps": lambda site, person: _integrated(
            site, person, steps=STEPS
        ),
        "cosine of the two items": _cosines,
    }


def _leave_out(last: int) -> Callable[[Site, Person], Floats]:
    """Return what is exact for the last events and 0 for those before. [L, K]"""

    def way(site: Site, person: Person) -> Floats:
        (found,) = _gains(site, [person], last=last)
        before = person.end - person.start - len(found)
        return np.concatenate([np.zeros((before, found.shape[1]), np.float32), found])

    return way


def _gains(site: Site, people: list[Person], *, last: int) -> list[Floats]:
    # The network's items are those of the log's catalogue, so places are the same in both.
    found = attribution.gains(
        site.network,
        site.log,
        users=np.array([person.user for person in people]),
        items=np.stack([person.items for person in people]),
        last=last,
    )
    return [own.gains for own in found]


@torch.inference_mode()
def _leave_groups_out(site: Site, person: Person) -> Floats:
    """Return the change by leaving out some consecutive events, in equal parts. [L, K]"""
    length = person.end - person.start
    places = np.arange(person.start, person.end)
    groups = [np.delete(places, np.arange(at, at + GROUP)) for at in range(0, length, GROUP)]
    weights = site.module.item_weights()[torch.from_numpy(person.items)]
    whole = _last(site, places[None]) @ weights.T  # [1, K]
    scored = _last(site, np.stack(groups)) @ weights.T  # [L / GROUP, K]
    found: Floats = ((whole - scored) / GROUP).repeat_interleave(GROUP, 0).numpy()
    return found


def _last(site: Site, places: NDArray[np.int64]) -> Tensor:
    items, kinds, gaps = (
        torch.from_numpy(column[places])
        for column in (site.own.items, site.own.kinds, site.own.gaps)
    )
    return site.module.last(items, kinds, gaps, torch.full((len(places),), places.shape[1]))


def _integrated(site: Site, person: Person, *, steps: int) -> Floats:
    """Return integrated gradients of the items' vectors from 0; one step is gradient x input. [L, K]

    Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", 2017.
    """
    places = torch.arange(person.start, person.end)
    items, kinds, gaps = (
        torch.from_numpy(column)[places][None].expand(NUM_ITEMS, -1)
        for column in (site.own.items, site.own.kinds, site.own.gaps)
    )
    vectors = site.module.items.weight.detach()[items - 1]  # [K, L, D]
    weights = site.module.item_weights()[torch.from_numpy(person.items)].detach()
    total = torch.zeros_like(vectors)
    for step in range(steps):
        scaled = (vectors * ((step + 1) / steps)).requires_grad_()
        hidden = site.module.encode(scaled, items, kinds, gaps)[:, -1]  # [K, D]
        total += torch.autograd.grad((hidden * weights).sum(), scaled)[0]
    found: Floats = ((total * vectors).sum(-1).T / steps).numpy()
    return found


@torch.inference_mode()
def _cosines(site: Site, person: Person) -> Floats:
    """Return how alike the items of events and the items explained are; asks no network. [L, K]"""
    vectors = torch.nn.functional.normalize(site.module.items.weight, dim=1)
    own = torch.from_numpy(site.own.items[person.start : person.end] - 1)
    found: Floats = (vectors[own] @ vectors[torch.from_numpy(person.items)].T).numpy()
    return found


def _agreement(truth: list[Floats], found: list[Floats]) -> list[str]:
    correlations, first, best, signs = [], [], [], []
    for true, said in zip(truth, found, strict=True):
        for column in range(true.shape[1]):
            right, own = true[:, column], said[:, column]
            if right.max() < BEYOND:
                continue  # no single event counts: there is nothing to find
            correlations.append(spearmanr(right, own).statistic)
            first.append(right.argmax() == own.argmax())
            named = np.argsort(-own, kind="stable")[:TOP]
            best.append(right[named].sum() / np.sort(right)[-TOP:].sum())
            clear = np.abs(right) > BEYOND
            signs.extend(np.sign(right[clear]) == np.sign(own[clear]))
    return [f"{np.nanmean(column):.3f}" for column in (correlations, first, best, signs)]


def _print_together(site: Site, people: list[Person]) -> None:
    """Print how many people a second are explained when they come together."""
    for last in (site.network.config.max_length, 30, 20, 10):
        begin = time.perf_counter()
        _gains(site, people, last=last)
        rate = len(people) / (time.perf_counter() - begin)
        print(
            f"the last {last} of {len(people)} people together: {rate:.0f} people/s on one thread"
        )
    begin = time.perf_counter()
    for _ in scoring.top_items(
        site.network, site.log, k=200, users=np.array([person.user for person in people])
    ):
        pass
    rate = len(people) / (time.perf_counter() - begin)
    print(f"their slates alone: {rate:.0f} people/s")


def _print_sizes(truth: list[Floats]) -> None:
    gains = np.stack([true.T for true in truth])  # [P, K, L]
    best = np.sort(gains, -1)[..., ::-1]
    print(
        "gain of the best, second, third event, median:", np.median(best[..., :3], (0, 1)).round(2)
    )
    ages = (gains.shape[-1] - 1 - gains.argmax(-1))[best[..., 0] >= BEYOND]
    shares = {n: float((ages < n).mean().round(3)) for n in (1, 5, 10, 20, 30)}
    print("the best event is among the newest n, share of items:", shares)
    alone = (best[..., 0] >= BEYOND).mean(), (gains[..., -30:].max(-1) >= BEYOND).mean()
    print(
        f"items that one event lifts by {BEYOND} alone: {alone[0]:.3f}; of the newest 30: {alone[1]:.3f}"
    )


def _print_interests(site: Site, people: list[Person], truth: list[Floats]) -> None:
    """Print how many of the items that no event lifts alone those of a category of theirs lift together."""
    shares = site.log.catalogue.shares
    lifted = []
    for person, true in zip(people, truth, strict=True):
        events = site.own.events[person.start : person.end]
        for column in np.flatnonzero(true.max(0) < BEYOND):
            item = person.items[column]
            own = [
                events[shares[site.log.items[events], category] > 0]
                for category in np.flatnonzero(shares[item])
            ]
            rows = np.full((len(own), 1), item)
            users = np.full(len(own), person.user)
            found = attribution.together(
                site.network, site.log, users=users, items=rows, events=own
            )
            lifted.append(float(found.max()) >= BEYOND)
    print(
        f"of {len(lifted)} items that none lifts alone, those of one category do:", np.mean(lifted)
    )


if __name__ == "__main__":
    main()
