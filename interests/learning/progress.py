"""How far a training is: what is told while it runs, and what is kept so that another can go on.

The whole state is one safetensors file, its plain values as JSON in the file's metadata, so that one
rename replaces all of it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from interests.learning import storage
from interests.learning.config import TrainingConfig
from interests.learning.networks.interest_network import InterestNetwork

FILE = "checkpoint.safetensors"
# The longest head that safetensors itself accepts, in bytes.
MAX_HEAD = 100_000_000


@dataclass(frozen=True)
class Progress:
    """What a training tells while it runs.

    Attributes:
        step: what it is doing, in words
        share_done: 0 to 1
        curves: "loss" in nats, "ndcg@10" and "recall@10" of validation, one value for each pass
    """

    step: str
    share_done: float
    curves: dict[str, list[float]]


@dataclass
class Standing:
    """Where a training stands; changes at every step.

    Attributes:
        fingerprint: of data and settings, so that a checkpoint of others is not taken up
        epoch: pass that is under way, from 0
        batches: of this pass that are done
        steps: of all passes
        loss_sum, positions: of this pass so far
        seconds: spent, all attempts together
        began_at: how many of them were spent when this network began
        curves: see `Progress`
        best_epoch: whose weights are kept, -1 before there is one
        cooled_at: how many passes were done when the learning rate fell, -1 before
        members: results of the networks that have learned before this one
        resumed_in_passes: those, from 1, in which another attempt took over
    """

    fingerprint: str
    epoch: int = 0
    batches: int = 0
    steps: int = 0
    loss_sum: float = 0.0
    positions: int = 0
    seconds: float = 0.0
    began_at: float = 0.0
    curves: dict[str, list[float]] = field(
        default_factory=lambda: {"loss": [], "ndcg@10": [], "recall@10": []}
    )
    best_epoch: int = -1
    cooled_at: int = -1
    members: list[dict[str, Any]] = field(default_factory=list)
    resumed_in_passes: list[int] = field(default_factory=list)


def told(standing: Standing, config: TrainingConfig, *, share_of_pass: float) -> Progress:
    """Return what a training that stands there tells; `share_of_pass` is done of the one under way."""
    share = (standing.epoch + share_of_pass) / config.max_epochs
    share = (len(standing.members) + share) / config.num_members
    if config.max_seconds is not None:
        share = max(share, min(standing.seconds / config.max_seconds, 1.0))
    return Progress(_words(standing, config), share, standing.curves)


def _words(standing: Standing, config: TrainingConfig) -> str:
    curves = standing.curves
    words = f"Pass {standing.epoch + 1} over the events"
    if config.num_members > 1:
        words = f"Network {len(standing.members) + 1}: {words[0].lower()}{words[1:]}"
    if curves["ndcg@10"]:
        words += f", NDCG@10 {curves['ndcg@10'][-1]:.4f} (best {max(curves['ndcg@10']):.4f})"
    return words


def save(
    folder: Path,
    *,
    standing: Standing,
    network: InterestNetwork,
    optimizer: torch.optim.Optimizer,
    best: dict[str, Tensor],
    finished: Sequence[dict[str, Tensor]],
) -> None:
    """Keep everything that the next step depends on.

    Raises:
        OSError: the disk is full or the folder not writable; the checkpoint before is still there.
    """
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    for member, weights in enumerate(finished):
        tensors |= {f"finished.{member}.{name}": tensor for name, tensor in weights.items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    # Tied or shared storage would be refused by safetensors; each entry gets its own.
    tensors = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    content = storage.tensors_to_bytes(tensors, {"standing": json.dumps(asdict(standing))})
    storage.write(folder / FILE, content)


def load(
    folder: Path,
    *,
    fingerprint: str,
    network: InterestNetwork,
    optimizer: torch.optim.Optimizer,
) -> tuple[Standing, dict[str, Tensor], list[dict[str, Tensor]]] | None:
    """Put a checkpoint's state into network, optimizer and random generators.

    Returns:
        Where the training stands, the weights of its best pass, and those of the networks finished
        before; None where there is no checkpoint of this data and these settings, or it is damaged:
        training then begins anew.
    """
    try:
        content = (folder / FILE).read_bytes()
        standing = _standing_in(io.BytesIO(content))
        tensors = safetensors.torch.load(content)
    except (OSError, safetensors.SafetensorError, ValueError, TypeError, KeyError):
        return None
    if standing.fingerprint != fingerprint:
        return None
    network.load_state_dict(_under("network.", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
    finished = [_under(f"finished.{number}.", tensors) for number in range(len(standing.members))]
    return standing, _under("best.", tensors), finished


def standing_of(folder: Path) -> Standing:
    """Return where the training of a checkpoint stands, without reading its weights.

    Raises:
        OSError, ValueError, TypeError, KeyError: there is none, or its head is damaged.
    """
    with (folder / FILE).open("rb") as file:
        return _standing_in(file)


def remove(folder: Path) -> None:
    """Remove the checkpoint of a training that has ended."""
    (folder / FILE).unlink(missing_ok=True)
    for draft in folder.glob(f".{FILE}.*"):
        draft.unlink(missing_ok=True)


def _standing_in(file: BinaryIO) -> Standing:
    """Read the plain values at the head of a safetensors file; it may be replaced meanwhile.

    The format: the length of the head in 8 bytes, little end first, then the head as JSON.
    """
    length = int.from_bytes(file.read(8), "little")
    head = json.loads(file.read(min(length, MAX_HEAD)))
    return Standing(**json.loads(head["__metadata__"]["standing"]))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
