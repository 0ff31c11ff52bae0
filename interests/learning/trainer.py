"""Training: passes over the data until validation no longer gets better.

Legend: P positions with a target, B windows of a batch, L their length, D width.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from interests.datasets.log import InteractionLog
from interests.learning import devices, preparation, progress, sequences, validation
from interests.learning.config import TrainingConfig
from interests.learning.losses import Candidates, CandidateSampler, softmax_cross_entropy
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.preparation import Prepared
from interests.learning.progress import Progress, Standing
from interests.learning.trained import TrainedNetwork

Report = Callable[[Progress], None]


class TrainingDiverged(Exception):
    """The loss is no longer a number; the message says where and which setting to change."""


class TrainingStopped(Exception):
    """`is_stopped` said so; the checkpoint stays, so that the training can go on."""


def fit(
    log: InteractionLog,
    *,
    config: TrainingConfig,
    directory: Path | None = None,
    report: Report | None = None,
    is_stopped: Callable[[], bool] | None = None,
    device: torch.device | None = None,
) -> TrainedNetwork:
    """Train a network on a sorted log and return it with the weights of its best pass.

    The last event (not negative, not a repeat) of a sample of end users is kept out of all targets
    and predicted after each pass; NDCG@10 of that decides which pass is best and when to end.

    Args:
        directory: where checkpoints go; a checkpoint of the same data and settings is taken up. On a
            CPU the losses are then those of a training that was never interrupted.
        report: called after each step.
        is_stopped: asked after each step.
        device: by default the GPU if there is one.

    Raises:
        TooFewEvents: there is nothing to learn from.
        TrainingDiverged: the loss is no longer a number.
        TrainingStopped: `is_stopped` said so.
        OSError: a checkpoint could not be written.
    """
    prepared = preparation.prepare(log, config=config)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        training = _Training(prepared, config, directory, device or devices.best())
        training.take_up()
        while not training.is_over():
            training.run_epoch(report=report, is_stopped=is_stopped)
        return training.result()


class _Training:
    """One training in this process: network, optimizer, and where they stand."""

    def __init__(
        self,
        prepared: Prepared,
        config: TrainingConfig,
        directory: Path | None,
        device: torch.device,
    ) -> None:
        self.prepared, self.config, self.directory, self.device = (
            prepared,
            config,
            directory,
            device,
        )
        features = prepared.features
        network = InterestNetwork(
            num_items=len(prepared.item_ids),
            num_kinds=prepared.kinds.count,
            config=config,
            num_features=len(features.names) if features else 0,
        )
        network.item_features = features
        _start_from_popularity(network, prepared.item_counts)
        self.network = network.to(device)
        self.sampler = (
            CandidateSampler(prepared.item_counts, count=config.num_candidates)
            if 0 < config.num_candidates < len(prepared.item_ids)
            else None
        )
        self.optimizer = _optimizer(self.network, config)
        self.dtype = torch.bfloat16 if devices.is_bfloat16_faster(device) else torch.float32
        self.standing = Standing(fingerprint=_fingerprint(prepared, config))
        self.best: dict[str, Tensor] = {}
        self.clock = self.last_checkpoint = time.monotonic()

    def take_up(self) -> None:
        """Go on where a checkpoint of the same training ended, if there is one."""
        if self.directory is None:
            return
        found = progress.load(
            self.directory,
            fingerprint=self.standing.fingerprint,
            network=self.network,
            optimizer=self.optimizer,
        )
        if found is not None:
            self.standing, self.best = found
            self.standing.resumed_in_passes.append(self.standing.epoch + 1)

    def is_over(self) -> bool:
        """Tell whether another pass is not allowed or not worth it."""
        standing, config = self.standing, self.config
        if standing.epoch >= config.max_epochs:
            return True
        if standing.batches:
            return False
        if config.max_seconds is not None and standing.seconds >= config.max_seconds:
            return standing.epoch > 0
        return bool(
            len(self.prepared.validation_users)
            and standing.epoch - 1 - standing.best_epoch >= config.patience
        )

    def run_epoch(self, *, report: Report | None, is_stopped: Callable[[], bool] | None) -> None:
        """Run the rest of the pass that is under way, then validate."""
        standing, config = self.standing, self.config
        # All chance of a pass comes from its number, so that a resumed one meets the same batches.
        random = np.random.default_rng([config.seed, standing.epoch])
        own = self.prepared.histories
        windows = sequences.training_windows(own, max_length=config.max_length, random=random)
        order = list(
            sequences.batch_order(windows, tokens_per_batch=config.tokens_per_batch, random=random)
        )
        for chosen in order[standing.batches :]:
            self._step(sequences.batch(own, windows.take(chosen), device=self.device))
            self._count_time()
            share = (standing.epoch + standing.batches / len(order)) / config.max_epochs
            if report is not None:
                report(Progress(self._words(), self._share_done(share), standing.curves))
            if time.monotonic() - self.last_checkpoint > config.checkpoint_seconds:
                self._checkpoint()
            if is_stopped is not None and is_stopped():
                self._checkpoint()
                raise TrainingStopped(f"Stopped in pass {standing.epoch + 1}.")
        self._end_epoch()
        if report is not None:
            share = standing.epoch / config.max_epochs
            report(Progress(self._words(), self._share_done(share), standing.curves))

    def result(self) -> TrainedNetwork:
        """Return the network with the weights of its best pass."""
        self.network.load_state_dict(self.best)
        self.network.settle()
        standing, best = self.standing, self.standing.best_epoch
        curves = standing.curves
        has_validation = bool(len(self.prepared.validation_users))
        results = {
            "curves": curves,
            "best_epoch": best,
            "validation": {
                key: curves[key][best] for key in ("ndcg@10", "recall@10") if has_validation
            },
            "validation_users": len(self.prepared.validation_users),
            "resumed_in_passes": standing.resumed_in_passes,
            "seconds": round(standing.seconds, 1),
            "device": devices.name(self.device),
        }
        return TrainedNetwork(
            network=self.network.eval(),
            item_ids=self.prepared.item_ids,
            kinds=self.prepared.kinds,
            feature_names=self.prepared.features.names if self.prepared.features else (),
            config=self.config,
            repeats_items=self.prepared.repeats_items,
            results=results,
        )

    def _step(self, part: sequences.Batch) -> None:
        standing = self.standing
        warmed_up = min((standing.steps + 1) / self.config.warmup_steps, 1.0)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * warmed_up
        loss = self._loss(part)
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"The loss became {value} in pass {standing.epoch + 1}, step {standing.steps + 1}."
                f" Lower learning_rate (now {self.config.learning_rate}) and train again."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_norm)
        self.optimizer.step()
        positions = int((part.targets > 0).sum())
        standing.batches, standing.steps = standing.batches + 1, standing.steps + 1
        standing.loss_sum += value * positions
        standing.positions += positions

    def _loss(self, part: sequences.Batch) -> Tensor:
        network, standing = self.network.train(), self.standing
        has_target = part.targets > 0
        targets = part.targets[has_target] - 1  # [P]
        candidates = None
        if self.sampler is not None:
            random = np.random.default_rng([self.config.seed, standing.epoch, standing.batches, 1])
            candidates = self.sampler.draw(targets, random=random)
        is_low = self.dtype is torch.bfloat16
        with torch.autocast(self.device.type, torch.bfloat16, enabled=is_low):
            inputs, outputs = _vectors(network, part.items, candidates)
            hidden = network.encode(inputs, part.kinds, part.gaps)  # [B, L, D]
            items = network.item_weights(outputs)  # [S, D]
        bias: Tensor = network.item_bias
        own_bias = None
        if candidates is not None:
            targets = candidates.places_of(targets)
            own_bias = candidates.log_probability
            bias = bias[candidates.items] - own_bias
        return softmax_cross_entropy(
            hidden=hidden[has_target].to(self.dtype),  # [P, D]
            items=items.to(self.dtype),
            bias=bias.to(self.dtype),
            targets=targets,
            own_bias=own_bias,
        )

    def _end_epoch(self) -> None:
        standing = self.standing
        measured = validation.measure(self.network, self.prepared, device=self.device)
        curves = standing.curves
        curves["loss"].append(standing.loss_sum / max(standing.positions, 1))
        if len(self.prepared.validation_users):
            for key, value in measured.items():
                curves[key].append(value)
        # Without validation the last pass is as good as any.
        if not curves["ndcg@10"] or curves["ndcg@10"][-1] > max(curves["ndcg@10"][:-1], default=-1):
            standing.best_epoch = standing.epoch
            state = self.network.state_dict()
            self.best = {name: tensor.detach().clone() for name, tensor in state.items()}
        standing.epoch += 1
        standing.batches = standing.positions = 0
        standing.loss_sum = 0.0
        self._count_time()
        self._checkpoint()

    def _checkpoint(self) -> None:
        if self.directory is not None:
            progress.save(
                self.directory,
                standing=self.standing,
                network=self.network,
                optimizer=self.optimizer,
                best=self.best,
            )
        self.last_checkpoint = time.monotonic()

    def _count_time(self) -> None:
        now = time.monotonic()
        self.standing.seconds += now - self.clock
        self.clock = now

    def _share_done(self, share_of_passes: float) -> float:
        limit = self.config.max_seconds
        return max(share_of_passes, min(self.standing.seconds / limit, 1.0) if limit else 0.0)

    def _words(self) -> str:
        curves = self.standing.curves
        words = f"Pass {self.standing.epoch + 1} over the events"
        if curves["ndcg@10"]:
            words += f", NDCG@10 {curves['ndcg@10'][-1]:.4f} (best {max(curves['ndcg@10']):.4f})"
        return words


def _vectors(
    network: InterestNetwork, items: Tensor, candidates: Candidates | None
) -> tuple[Tensor, Tensor]:
    """Return the vectors of a batch's events and of the items to score, each item's worked out once.

    Args:
        items: 1 to N, 0 where padded. [B, L]
        candidates: the items to score; None for all.

    Returns:
        float [B, L, D] and float [S, D]
    """
    places = (items - 1).clamp(min=0)
    if candidates is None:
        vectors = network.item_vectors()
        return functional.embedding(places, vectors), vectors
    needed, back = torch.unique(
        torch.cat([candidates.items, places.flatten()]), return_inverse=True
    )
    vectors = network.item_vectors(needed)  # [M, D]
    count = len(candidates.items)
    inputs = functional.embedding(back[count:].view(items.shape), vectors)
    return inputs, vectors[back[:count]]


def _start_from_popularity(network: InterestNetwork, counts: np.ndarray) -> None:
    """Let the untrained network rank by popularity, which it would learn first and slowly."""
    shares = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    with torch.no_grad():
        network.item_bias.copy_(torch.from_numpy(np.log(shares)))


def _optimizer(network: InterestNetwork, config: TrainingConfig) -> torch.optim.Optimizer:
    parameters = list(network.parameters())
    decayed = [parameter for parameter in parameters if parameter.ndim >= 2]
    others = [parameter for parameter in parameters if parameter.ndim < 2]
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def _fingerprint(prepared: Prepared, config: TrainingConfig) -> str:
    """Return what two trainings share exactly when one may go on from the other's checkpoint."""
    own = prepared.histories
    digest = hashlib.sha256(repr(sorted(config.to_dict().items())).encode())
    digest.update("\0".join(prepared.item_ids).encode())
    for array in (own.items, own.kinds, own.gaps, own.is_target, own.offsets):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
