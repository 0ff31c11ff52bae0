"""Trained networks on disk: weights as safetensors, what they mean as JSON, and a hash over both."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from interests.learning import devices, storage
from interests.learning.config import BadSettings, TrainingConfig
from interests.learning.event_kinds import EventKinds
from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.networks.interest_network import InterestNetwork
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
    meaning = {
        "version": VERSION,
        "network": NETWORK,
        "config": trained.config.to_dict(),
        "kinds": trained.kinds.to_dict(),
        "feature_names": list(trained.feature_names),
        "num_members": trained.num_members,
        "repeats_items": trained.repeats_items,
        "results": trained.results,
        "item_ids": trained.item_ids.tolist(),
    }
    rises = torch.from_numpy(trained.log_rises)
    weights = storage.tensors_to_bytes({**trained.network.state_dict(), RISES: rises})
    text = json.dumps(meaning, ensure_ascii=False).encode()
    sha256 = _hash(weights, text)
    storage.write(folder / WEIGHTS_FILE, weights)
    storage.write(folder / MEANING_FILE, text)
    storage.write(folder / HASH_FILE, sha256.encode())
    return sha256


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
    meaning = json.loads(text)
    if meaning.get("version") != VERSION or meaning.get("network") != NETWORK:
        raise ForeignWeights(
            f"The network in {folder} is {meaning.get('network')} of version {meaning.get('version')};"
            f" this release reads {NETWORK} of version {VERSION}. Train again."
        )
    return _build(weights, meaning)


def _build(weights: bytes, meaning: dict[str, Any]) -> TrainedNetwork:
    device = devices.best()
    try:
        config = TrainingConfig.from_dict(meaning["config"])
        kinds = EventKinds.from_dict(meaning["kinds"])
        members = [
            InterestNetwork(
                num_items=len(meaning["item_ids"]),
                num_kinds=kinds.count,
                config=config,
                num_features=len(meaning["feature_names"]),
            )
            for _ in range(meaning["num_members"])
        ]
        network = members[0] if len(members) == 1 else AveragedNetwork(members)
        tensors = safetensors.torch.load(weights)
        rises = tensors.pop(RISES).numpy()
        network.load_state_dict(tensors)
    except (KeyError, RuntimeError, BadSettings, safetensors.SafetensorError) as error:
        raise ForeignWeights(
            f"The weights do not fit this version of the network: {error}"
        ) from error
    return TrainedNetwork(
        network=network.to(device).eval(),
        item_ids=np.array(meaning["item_ids"], object),
        kinds=kinds,
        feature_names=tuple(meaning["feature_names"]),
        config=config,
        log_rises=rises,
        repeats_items=meaning["repeats_items"],
        results=meaning["results"],
    )


def _hash(weights: bytes, text: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(weights).digest() + text).hexdigest()
