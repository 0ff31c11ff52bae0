"""Training: passes over the data until validation no longer gets better, for one network or several."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interests.datasets.log import InteractionLog
from interests.learning import devices, preparation, progress, sequences, validation
from interests.learning.config import TrainingConfig
from interests.learning.learner import Learner
from interests.learning.networks.averaged_network import AveragedNetwork
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
    """Train a network, or several to be averaged, and return it with the weights of its best pass.

    The last event (not negative, not a repeat) of a sample of end users is kept out of all targets
    and predicted after each pass; NDCG@10 of that decides which pass is best and when to end. With
    `num_members` above 1 the same is done from other seeds, as far as the time allows, and the mean of
    their scores ranks.

    Args:
        log: sorted.
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
        training = _Training(prepared, config, directory, device or devices.best())
        training.take_up()
        training.run(report=report, is_stopped=is_stopped)
        return training.result()


class _Training:
    """One training in this process: the network that is learning, those that have, and where it stands."""

    def __init__(
        self,
        prepared: Prepared,
        config: TrainingConfig,
        directory: Path | None,
        device: torch.device,
    ) -> None:
        self.prepared, self.config = prepared, config
        self.directory, self.device = directory, device
        self.standing = Standing(fingerprint=_fingerprint(prepared, config))
        self.best: dict[str, Tensor] = {}
        self.finished: list[dict[str, Tensor]] = []
        self.learner = self._new_learner()
        self.clock = self.last_checkpoint = time.monotonic()

    def take_up(self) -> None:
        """Go on where a checkpoint of the same training ended, if there is one."""
        if self.directory is None:
            return
        found = progress.load(
            self.directory,
            fingerprint=self.standing.fingerprint,
            network=self.learner.network,
            optimizer=self.learner.optimizer,
        )
        if found is not None:
            self.standing, self.best, self.finished = found
            self.standing.resumed_in_passes.append(self.standing.epoch + 1)

    def run(self, *, report: Report | None, is_stopped: Callable[[], bool] | None) -> None:
        """Train all members, from where the training stands."""
        while True:
            while not self._is_member_over():
                self._run_epoch(report=report, is_stopped=is_stopped)
            if not self._is_worth_another():
                return
            self._begin_next_member()

    def result(self) -> TrainedNetwork:
        """Return the network, or the mean of networks, each with the weights of its best pass."""
        networks = [self._settled(weights) for weights in (*self.finished, self.best)]
        network = networks[0] if len(networks) == 1 else AveragedNetwork(networks)
        measured = validation.measure(network, self.prepared, device=self.device)
        has_validation = bool(len(self.prepared.validation_users))
        members = [*self.standing.members, self._member_results()]
        results = {
            "curves": members[0]["curves"],
            "best_epoch": members[0]["best_epoch"],
            "members": [
                {key: value for key, value in member.items() if key != "curves"}
                for member in members
            ],
            "validation": measured if has_validation else {},
            "validation_users": len(self.prepared.validation_users),
            "resumed_in_passes": self.standing.resumed_in_passes,
            "seconds": round(self.standing.seconds, 1),
            "device": devices.name(self.device),
        }
        return TrainedNetwork(
            network=network.eval(),
            item_ids=self.prepared.item_ids,
            kinds=self.prepared.kinds,
            feature_names=self.prepared.features.names if self.prepared.features else (),
            config=self.config,
            repeats_items=self.prepared.repeats_items,
            results=results,
        )

    def _is_member_over(self) -> bool:
        """Tell whether another pass of this member is not allowed or not worth it."""
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

    def _is_worth_another(self) -> bool:
        """Tell whether another member is wanted and likely to come to its end in time."""
        done = len(self.finished) + 1
        if done >= self.config.num_members:
            return False
        limit, seconds = self.config.max_seconds, self.standing.seconds
        return limit is None or limit - seconds >= seconds / done

    def _begin_next_member(self) -> None:
        standing = self.standing
        standing.members.append(self._member_results())
        self.finished.append(self.best)
        self.standing = Standing(
            fingerprint=standing.fingerprint,
            seconds=standing.seconds,
            members=standing.members,
            resumed_in_passes=standing.resumed_in_passes,
        )
        self.best = {}
        self.learner = self._new_learner()

    def _new_learner(self) -> Learner:
        torch.manual_seed(self.config.seed + len(self.finished))
        return Learner(self.prepared, self.config, device=self.device)

    def _member_results(self) -> dict[str, Any]:
        curves, best = self.standing.curves, self.standing.best_epoch
        measured = {key: curves[key][best] for key in ("ndcg@10", "recall@10") if curves[key]}
        return {
            "seed": self.config.seed + len(self.finished),
            "passes": len(curves["loss"]),
            "best_epoch": best,
            "curves": curves,
            **measured,
        }

    def _settled(self, weights: dict[str, Tensor]) -> InterestNetwork:
        network = self._new_learner().network
        network.load_state_dict(weights)
        network.settle()
        return network

    def _run_epoch(self, *, report: Report | None, is_stopped: Callable[[], bool] | None) -> None:
        """Run the rest of the pass that is under way, then validate."""
        standing, config = self.standing, self.config
        # All chance of a pass comes from its number, so that a resumed one meets the same batches.
        random = np.random.default_rng(self._seed_of_pass())
        own = self.prepared.histories
        windows = sequences.training_windows(own, max_length=config.max_length, random=random)
        order = list(
            sequences.batch_order(windows, tokens_per_batch=config.tokens_per_batch, random=random)
        )
        for chosen in order[standing.batches :]:
            self._step(sequences.batch(own, windows.take(chosen), device=self.device))
            self._count_time()
            if report is not None:
                report(self._progress(standing.batches / len(order)))
            if time.monotonic() - self.last_checkpoint > config.checkpoint_seconds:
                self._checkpoint()
            if is_stopped is not None and is_stopped():
                self._checkpoint()
                raise TrainingStopped(f"Stopped in pass {standing.epoch + 1}.")
        self._end_epoch()
        if report is not None:
            report(self._progress(0.0))

    def _step(self, part: sequences.Batch) -> None:
        standing = self.standing
        loss = self.learner.loss(part, seed=(*self._seed_of_pass(), standing.batches))
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingDiverged(
                f"The loss became {value} in pass {standing.epoch + 1}, step {standing.steps + 1}."
                f" Lower learning_rate (now {self.config.learning_rate}) and train again."
            )
        self.learner.learn(loss, step=standing.steps)
        positions = int((part.targets > 0).sum())
        standing.batches, standing.steps = standing.batches + 1, standing.steps + 1
        standing.loss_sum += value * positions
        standing.positions += positions

    def _seed_of_pass(self) -> tuple[int, ...]:
        return self.config.seed, len(self.finished), self.standing.epoch

    def _end_epoch(self) -> None:
        standing, network = self.standing, self.learner.network
        measured = validation.measure(network, self.prepared, device=self.device)
        curves = standing.curves
        curves["loss"].append(standing.loss_sum / max(standing.positions, 1))
        if len(self.prepared.validation_users):
            for key, value in measured.items():
                curves[key].append(value)
        # Without validation the last pass is as good as any.
        if not curves["ndcg@10"] or curves["ndcg@10"][-1] > max(curves["ndcg@10"][:-1], default=-1):
            standing.best_epoch = standing.epoch
            state = network.state_dict()
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
                network=self.learner.network,
                optimizer=self.learner.optimizer,
                best=self.best,
                finished=self.finished,
            )
        self.last_checkpoint = time.monotonic()

    def _count_time(self) -> None:
        now = time.monotonic()
        self.standing.seconds += now - self.clock
        self.clock = now

    def _progress(self, share_of_pass: float) -> Progress:
        standing, config = self.standing, self.config
        share = (standing.epoch + share_of_pass) / config.max_epochs
        share = (len(self.finished) + share) / config.num_members
        if config.max_seconds is not None:
            share = max(share, min(standing.seconds / config.max_seconds, 1.0))
        return Progress(self._words(), share, standing.curves)

    def _words(self) -> str:
        curves = self.standing.curves
        words = f"Pass {self.standing.epoch + 1} over the events"
        if self.config.num_members > 1:
            words = f"Network {len(self.finished) + 1}: {words[0].lower()}{words[1:]}"
        if curves["ndcg@10"]:
            words += f", NDCG@10 {curves['ndcg@10'][-1]:.4f} (best {max(curves['ndcg@10']):.4f})"
        return words


def _fingerprint(prepared: Prepared, config: TrainingConfig) -> str:
    """Return what two trainings share exactly when one may go on from the other's checkpoint."""
    own = prepared.histories
    digest = hashlib.sha256(repr(sorted(config.to_dict().items())).encode())
    digest.update("\0".join(prepared.item_ids).encode())
    for array in (own.items, own.kinds, own.gaps, own.is_target, own.offsets):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
