"""Training: passes over the data until validation no longer gets better, for one network or several."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from interests.datasets.log import InteractionLog
from interests.learning import (
    augmenting,
    devices,
    preparation,
    progress,
    sequences,
    sharing,
    validation,
)
from interests.learning.config import TrainingConfig
from interests.learning.distributed import ALONE, CannotJoin, Ranks
from interests.learning.learner import Learner, untrained
from interests.learning.networks.averaged_network import AveragedNetwork
from interests.learning.networks.interest_network import InterestNetwork
from interests.learning.preparation import Prepared
from interests.learning.progress import Progress, Standing
from interests.learning.trained import TrainedNetwork

Report = Callable[[Progress], None]
# The last fifth of the time, or of the passes, is for small steps.
HOT_SHARE = 0.8
# Looking at a loss waits for all that a GPU has still to do, and asking process 0 waits for it: between
# two looks so many steps are made. A CPU has nothing to wait for.
STEPS_BETWEEN_LOOKS = 16


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
    ranks: Ranks = ALONE,
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
        report: called after each step; after every few on a GPU, and where several processes train.
        is_stopped: asked as often.
        device: by default the GPU if there is one.
        ranks: the processes that train together, all with the same log and settings and each returning
            the same network; `directory`, `report` and `is_stopped` are those of process 0.

    Raises:
        TooFewEvents: there is nothing to learn from.
        TrainingDiverged: the loss is no longer a number.
        TrainingStopped: `is_stopped` said so.
        OSError: a checkpoint could not be written.
        CannotJoin: the processes were given different events or settings.
        RankFailed: another of the processes has ended.
    """
    device = device or devices.best()
    prepared = preparation.prepare(log, config=config)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        training = _Training(prepared, config, directory, device, ranks)
        ranks.of_first(training.take_up)
        training.meet()
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
        ranks: Ranks,
    ) -> None:
        self.prepared, self.config, self.ranks = prepared, config, ranks
        self.directory, self.device = directory, device
        self.standing = Standing(fingerprint=prepared.fingerprint(config))
        self.best: dict[str, Tensor] = {}
        self.finished: list[dict[str, Tensor]] = []
        self.learner = self._new_learner()
        # Loss and number of targets of each step since the last look.
        self.unseen: list[tuple[Tensor, int]] = []
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

    def meet(self) -> None:
        """Begin, in all processes, where process 0 stands."""
        if self.ranks.is_alone:
            return
        learner, own = self.learner, self.standing.fingerprint
        self.standing, self.best, self.finished, weights, moments = self.ranks.of_first(
            lambda: (
                self.standing,
                self.best,
                self.finished,
                learner.network.state_dict(),
                learner.optimizer.state_dict(),
            )
        )
        if self.standing.fingerprint != own:
            raise CannotJoin(
                f"Process {self.ranks.rank} has other events or settings than process 0. Let all of them"
                " read one database, with one release; if somebody was erased meanwhile, start again."
            )
        learner.network.load_state_dict(weights)
        learner.optimizer.load_state_dict(moments)

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
        measured = self._measure(network)
        has_validation = bool(len(self.prepared.validation_users))
        members = [*self.standing.members, self._member_results()]
        results = {
            "curves": members[0]["curves"],
            "best_epoch": members[0]["best_epoch"],
            "num_members": len(members),
            "members": [
                {key: value for key, value in member.items() if key != "curves"}
                for member in members
            ],
            "validation": measured if has_validation else {},
            "validation_users": len(self.prepared.validation_users),
            "resumed_in_passes": self.standing.resumed_in_passes,
            "seconds": round(self.standing.seconds, 1),
            "device": devices.name(self.device, count=self.ranks.size),
        }
        return TrainedNetwork(
            network=network.eval(),
            item_ids=self.prepared.item_ids,
            kinds=self.prepared.kinds,
            feature_names=self.prepared.features.names if self.prepared.features else (),
            config=self.config,
            log_rises=self.prepared.log_rises,
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
        return self._is_cool() and self._passes_without_gain() >= max(config.patience // 2, 1)

    def _share_of_rate(self) -> float:
        return self.config.cooling if self._is_cool() else 1.0

    def _is_cool(self) -> bool:
        return self.standing.cooled_at >= 0

    def _passes_without_gain(self) -> int:
        """Count the passes since the best one, or since the learning rate fell; 0 without validation."""
        standing = self.standing
        if not len(self.prepared.validation_users):
            return 0
        return standing.epoch - 1 - max(standing.best_epoch, standing.cooled_at - 1)

    def _is_time_to_cool(self) -> bool:
        standing, config = self.standing, self.config
        if self._passes_without_gain() >= config.patience:
            return True
        if standing.epoch >= HOT_SHARE * config.max_epochs:
            return True
        if config.max_seconds is None:
            return False
        hot_seconds = HOT_SHARE * (config.max_seconds - standing.began_at)
        return standing.seconds - standing.began_at >= hot_seconds

    def _cool(self) -> None:
        """Go on from the best pass in smaller steps."""
        self.learner.network.load_state_dict(self.best)
        self.standing.cooled_at = self.standing.epoch

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
            began_at=standing.seconds,
            members=standing.members,
            resumed_in_passes=standing.resumed_in_passes,
        )
        self.best = {}
        self.learner = self._new_learner()

    def _new_learner(self) -> Learner:
        torch.manual_seed(self.config.seed + len(self.finished))
        return Learner(
            self.prepared,
            self.config,
            device=self.device,
            backend=devices.compiler(self.device),
        )

    def _member_results(self) -> dict[str, Any]:
        curves, best = self.standing.curves, self.standing.best_epoch
        measured = {key: curves[key][best] for key in ("ndcg@10", "recall@10") if curves[key]}
        return {
            "seed": self.config.seed + len(self.finished),
            "passes": len(curves["loss"]),
            "best_epoch": best,
            "cooled_at": self.standing.cooled_at,
            "curves": curves,
            **measured,
        }

    def _settled(self, weights: dict[str, Tensor]) -> InterestNetwork:
        network = untrained(self.prepared, self.config).to(self.device)
        network.load_state_dict(weights)
        network.settle()
        return network

    def _run_epoch(self, *, report: Report | None, is_stopped: Callable[[], bool] | None) -> None:
        """Run the rest of the pass that is under way, then validate."""
        standing, config = self.standing, self.config
        # All chance of a pass comes from its number, so that a resumed one meets the same batches.
        random = np.random.default_rng(self._seed_of_pass())
        own, windows = augmenting.pass_over(
            self.prepared.histories, config=config, is_cool=self._is_cool(), random=random
        )
        order = list(
            sequences.batch_order(windows, tokens_per_batch=config.tokens_per_batch, random=random)
        )
        is_waited_for = self.device.type != "cpu" or not self.ranks.is_alone
        steps = STEPS_BETWEEN_LOOKS if is_waited_for else 1
        for part in sharing.parts(own, windows, order[standing.batches :], ranks=self.ranks):
            self._step(part)
            if standing.batches % steps == 0 or standing.batches == len(order):
                self._look(standing.batches / len(order), report=report, is_stopped=is_stopped)
        self._end_epoch()
        self._look(0.0, report=report, is_stopped=None)

    def _step(self, part: sharing.Part) -> None:
        standing, seed = self.standing, (*self._seed_of_pass(), self.standing.batches)
        if not self.ranks.is_alone:
            # Each process drops units of its own, the same ones after a resumption.
            own_seed = np.random.SeedSequence((*seed, self.ranks.rank))
            torch.manual_seed(int(own_seed.generate_state(1)[0]))
        loss = None
        if part.has_windows:
            loss = self.learner.loss(
                sequences.batch(part.histories, part.windows, device=self.device),
                part.asked,
                asked_of_all=part.asked_of_all,
                seed=seed,
            )
        total = self.learner.learn(
            loss, step=standing.steps, ranks=self.ranks, share_of_rate=self._share_of_rate()
        )
        self.unseen.append((total, len(part.asked_of_all)))
        standing.batches, standing.steps = standing.batches + 1, standing.steps + 1

    def _look(
        self, share_of_pass: float, *, report: Report | None, is_stopped: Callable[[], bool] | None
    ) -> None:
        """Add up the losses since the last look, say how far it is, and keep a checkpoint now and then."""
        self._add_up()
        self._count_time()

        def tell_and_ask() -> None:
            if report is not None:
                report(progress.told(self.standing, self.config, share_of_pass=share_of_pass))
            if time.monotonic() - self.last_checkpoint > self.config.checkpoint_seconds:
                self._checkpoint()
            if is_stopped is not None and is_stopped():
                self._checkpoint()
                raise TrainingStopped(f"Stopped in pass {self.standing.epoch + 1}.")

        self.ranks.of_first(tell_and_ask)

    def _add_up(self) -> None:
        standing = self.standing
        values = torch.stack([loss for loss, _ in self.unseen]).tolist() if self.unseen else []
        for number, (value, (_, positions)) in enumerate(zip(values, self.unseen, strict=True)):
            if not math.isfinite(value):
                step = standing.steps - len(values) + number + 1
                raise TrainingDiverged(
                    f"The loss became {value} in pass {standing.epoch + 1}, step {step}."
                    f" Lower learning_rate (now {self.config.learning_rate}) and train again."
                )
            standing.loss_sum += value * positions
            standing.positions += positions
        self.unseen.clear()

    def _seed_of_pass(self) -> tuple[int, ...]:
        return self.config.seed, len(self.finished), self.standing.epoch

    def _end_epoch(self) -> None:
        standing, network = self.standing, self.learner.network
        measured = self._measure(network)
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
        # Whether there is time for another pass is told by one clock.
        standing.seconds = self.ranks.of_first(lambda: standing.seconds)
        if not self._is_cool() and self._is_time_to_cool():
            self._cool()
        self.ranks.of_first(self._checkpoint)

    def _measure(self, network: InterestNetwork | AveragedNetwork) -> dict[str, float]:
        return self.ranks.of_first(
            lambda: validation.measure(network, self.prepared, device=self.device)
        )

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
