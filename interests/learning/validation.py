"""How well a network in training predicts the events that were kept out.

Legend: V validation users, B users of a block, N items.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.preparation import Prepared
from interests.learning.sequences import Histories, batch, cut_out, last_windows

BLOCK = 256
K = 10


def measure(
    network: InterestNetwork | AveragedNetwork, prepared: Prepared, *, device: torch.device
) -> dict[str, float]:
    """Return NDCG@10 and recall@10 over all items that the end user has not used before.

    Every validation user counts alike; with none of them, both are NaN.
    """
    ranks = target_ranks(network, prepared, device=device)
    if not len(ranks):
        return {"ndcg@10": float("nan"), "recall@10": float("nan")}
    hits = ranks <= K
    gains = np.where(hits, 1 / np.log2(ranks + 1), 0.0)
    return {"ndcg@10": float(gains.mean()), "recall@10": float(hits.mean())}


@torch.inference_mode()
def target_ranks(
    network: InterestNetwork | AveragedNetwork, prepared: Prepared, *, device: torch.device
) -> NDArray[np.int64]:
    """Return the rank of each validation event's item, 1 is best; ties count against it. [V]"""
    network.eval()
    ranks = [np.zeros(0, np.int64)]
    for begin in range(0, len(prepared.validation_users), BLOCK):
        users = prepared.validation_users[begin : begin + BLOCK]
        events = prepared.validation_events[begin : begin + BLOCK]
        windows = last_windows(
            prepared.histories, users=users, ends=events, max_length=network.config.max_length
        )
        # Only these events go to the device: where several train, it has no others.
        part = batch(*cut_out(prepared.histories, windows), device=device)
        last = network.last(part.items, part.kinds, part.gaps, part.lengths)  # [B, D]
        scores = network.scores(last).float()  # [B, N]
        targets = torch.from_numpy(prepared.histories.items[events] - 1).to(device)
        own = scores.gather(1, targets[:, None])  # [B, 1]
        scores[_seen(prepared.histories, users, events, device=device)] = -torch.inf
        ranks.append((1 + (scores >= own).sum(1) - _counts_itself(scores, targets)).cpu().numpy())
    return np.concatenate(ranks)


def _counts_itself(scores: Tensor, targets: Tensor) -> Tensor:
    """Return 1 where the target is among the scores that are compared with it. [B]"""
    return torch.isfinite(scores.gather(1, targets[:, None])[:, 0]).long()


def _seen(
    own: Histories, users: NDArray[np.int64], ends: NDArray[np.int64], *, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the (row, item) pairs of everything used before the validation event."""
    starts = own.offsets[users]
    counts = ends - starts
    rows = np.repeat(np.arange(len(users)), counts)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + starts[rows]
    return torch.from_numpy(rows).to(device), torch.from_numpy(own.items[places] - 1).to(device)
