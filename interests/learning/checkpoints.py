"""Trained networks on disk: weights as safetensors, what they mean as JSON, and a hash over both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from interests.learning import compressing, devices, storage
from interests.learning.config import BadSettings, TrainingConfig
from interests.learning.event_kinds import EventKinds
from interests.learning.networks import building
from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.trained import ForeignWeights, TrainedNetwork

# Raised whenever the same file would mean something else to the code.
VERSION = 3
NETWORK = "interest_network"
WEIGHTS_FILE = "weights.safetensors"
MEANING_FILE = "network.json"
HASH_FILE = "sha256"
# Beside the tensors of the network.
RISES = "log_rises"


class DamagedWeights(Exception):
    """The files of a network are missing, cut off or not those that were saved."""


def save(trained: TrainedNetwork, folder: Path) -> str:
    """Write a network into `folder` and return the hash that `load` checks.

    Raises:
        OSError: the disk is full or the folder not writable; what was there before still loads, or
            is refused by its hash.
    """
    text = json.dumps(
        meaning(trained) | {"item_ids": trained.item_ids.tolist()}, ensure_ascii=False
    ).encode()
    rises = torch.from_numpy(trained.log_rises)
    weights = storage.tensors_to_bytes({**trained.network.state_dict(), RISES: rises})
    sha256 = _hash(weights, text)
    storage.write(folder / WEIGHTS_FILE, weights)
    storage.write(folder / MEANING_FILE, text)
    storage.write(folder / HASH_FILE, sha256.encode())
    return sha256


def meaning(trained: TrainedNetwork) -> dict[str, Any]:
    """Return what the weights of a network mean, as plain values; its items aside."""
    return {
        "version": VERSION,
        "network": NETWORK,
        "config": trained.config.to_dict(),
        "kinds": trained.kinds.to_dict(),
        "feature_names": list(trained.feature_names),
        "num_members": trained.num_members,
        "repeats_items": trained.repeats_items,
        "is_quantised": trained.network.has_int8_items,
        "results": trained.results,
    }


def load(folder: Path, sha256: str | None = None) -> TrainedNetwork:
    """Read a network, ready to score on the best device.

    Args:
        folder: what `save` wrote into.
        sha256: what `save` returned; None takes the word of the file beside the weights.

    Raises:
        DamagedWeights: a file is missing, or the hash differs.
        ForeignWeights: they are of another version of the network.
    """
    try:
        weights, text = (folder / WEIGHTS_FILE).read_bytes(), (folder / MEANING_FILE).read_bytes()
        wanted = sha256 or (folder / HASH_FILE).read_text().strip()
    except OSError as error:
        raise DamagedWeights(
            f"The network in {folder} cannot be read: {error}. Train again."
        ) from error
    if _hash(weights, text) != wanted:
        raise DamagedWeights(
            f"The network in {folder} is not the one that was saved: its SHA-256 is not {wanted}."
            " Restore the files from a backup or train again."
        )
    told = json.loads(text)
    try:
        tensors = safetensors.torch.load(weights)
        item_ids = np.array(told.get("item_ids", ()), object)
        rises = tensors.pop(RISES, torch.empty(0)).numpy()
    except safetensors.SafetensorError as error:
        raise ForeignWeights(f"The weights in {folder} cannot be read: {error}") from error
    return build(tensors, told, item_ids=item_ids, log_rises=rises)


def build(
    tensors: Mapping[str, Tensor],
    meaning: Mapping[str, Any],
    *,
    item_ids: NDArray[np.object_],
    log_rises: NDArray[np.float32],
) -> TrainedNetwork:
    """Return a network of tensors that were its state, ready to score on the best device.

    Raises:
        ForeignWeights: they are of another version of the network.
    """
    if meaning.get("version") != VERSION or meaning.get("network") != NETWORK:
        raise ForeignWeights(
            f"This is {meaning.get('network')} of version {meaning.get('version')};"
            f" this release reads {NETWORK} of version {VERSION}. Train again."
        )
    device = devices.best()
    try:
        config = TrainingConfig.from_dict(meaning["config"])
        kinds = EventKinds.from_dict(meaning["kinds"])
        members = [
            building.build(
                num_items=len(item_ids),
                num_kinds=kinds.count,
                config=config,
                num_features=len(meaning["feature_names"]),
            )
            for _ in range(meaning["num_members"])
        ]
        network = members[0] if len(members) == 1 else AveragedNetwork(members)
        if meaning.get("is_quantised"):
            compressing.quantise(network)
        network.load_state_dict(dict(tensors))
    except (KeyError, RuntimeError, BadSettings) as error:
        raise ForeignWeights(
            f"The weights do not fit this version of the network: {error}"
        ) from error
    return TrainedNetwork(
        network=network.to(device).eval(),
        item_ids=item_ids,
        kinds=kinds,
        feature_names=tuple(meaning["feature_names"]),
        config=config,
        log_rises=log_rises,
        repeats_items=meaning["repeats_items"],
        results=meaning["results"],
    )


def _hash(weights: bytes, text: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(weights).digest() + text).hexdigest()
