"""Faults inside a process that uses the library: numbers that are not finite, and memory over many rounds."""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RMSprop

import gankit as gk
from tests.faults.children import start
from tests.faults.runs import poisoned
from tests.faults.tally import Arm, Setting, Tally, Trial

MakeOptimizer = Callable[[Iterable[nn.Parameter]], Optimizer]
OPTIMIZERS: tuple[MakeOptimizer, ...] = (
    partial(Adam, lr=1e-3, betas=(0.5, 0.999)),
    partial(RMSprop, lr=1e-3),
    partial(SGD, lr=1e-2, momentum=0.9),
    partial(Adam, lr=1e-3, fused=True),
)
WITH_SQUARES: tuple[MakeOptimizer, ...] = (
    OPTIMIZERS[0],
    partial(RMSprop, lr=1e-3),
    partial(NAdam, lr=1e-3),
    partial(Adagrad, lr=1e-2),
    partial(Adam, lr=1e-3, fused=True),
    Adadelta,
    partial(AdamW, lr=1e-3, amsgrad=True),
    partial(RAdam, lr=1e-3),
)
"""Optimizers with moments of squares, which a finite gradient of 1e25 makes infinite; others take a step with it."""
ROUNDS = 12
HUGE = 1e25
LATENTS, FEATURES, BATCH = 3, 2, 5


class Game:
    """A tiny GAN with everything that keeps a state; one of its updates can be given a bad gradient.

    Args:
        make: Makes its optimizers.
        factor: What the bad gradient is multiplied by.
        struck: The call of the critic in which that happens; 0 for never.
    """

    def __init__(self, make: MakeOptimizer, *, factor: float = 1.0, struck: int = 0) -> None:
        self.generator = nn.Sequential(nn.Linear(LATENTS, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, FEATURES))
        self.critic = nn.Sequential(nn.Linear(FEATURES, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
        self.updates = {
            "critic": gk.training.Update(make(self.critic.parameters()), self._critic_terms),
            "generator": gk.training.Update(
                make(self.generator.parameters()), self._generator_terms, frozen=[self.critic]
            ),
        }
        self.average = gk.training.WeightAverage(self.generator, decay=0.9)
        self.replay = gk.training.Replay(16)
        self._calls, self._struck, self._factor = 0, struck, factor

    def play(self, batches: Iterable[torch.Tensor]) -> None:
        """Play one round."""
        gk.training.play_round(gk.schedules.Round(2), iter(batches), **self.updates)
        self.average.update()

    def state(self) -> dict[str, object]:
        """Return everything that the next round depends on."""
        return {
            "generator": gk.training.network_state(self.generator),
            "critic": gk.training.network_state(self.critic),
            "updates": gk.training.updates_state(self.updates),
            "average": self.average.state_dict(),
            "replay": self.replay.state_dict(),
            "random": gk.training.random_state(python=False),
        }

    def _critic_terms(self, real: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = self.replay.swap(self.generator(torch.randn(len(real), LATENTS)))
        self._calls += 1
        if self._calls == self._struck:
            real = real.clone().requires_grad_()
        scores = self.critic(real)
        if self._calls == self._struck:
            scores.register_hook(lambda gradient: gradient * self._factor)
        return {"loss": gk.losses.critic_loss(gk.losses.Logistic(), scores, self.critic(fake))}

    def _generator_terms(self, real: torch.Tensor) -> dict[str, torch.Tensor]:
        fake = self.generator(torch.randn(len(real), LATENTS))
        return {"loss": gk.losses.generator_loss(gk.losses.Logistic(), self.critic(fake))}


def poison_update(
    setting: Setting,
    count: int,
    tally: Tally,
    *,
    factor: float,
    optimizers: tuple[MakeOptimizer, ...] = OPTIMIZERS,
) -> None:
    """Multiply the gradient of the scores in one call of one update; save after every round."""
    for number in range(count):
        torch.manual_seed(number)
        struck = setting.rng.randrange(1, 2 * ROUNDS)
        make = optimizers[number % len(optimizers)]
        name = getattr(make, "func", make).__name__
        game = Game(make, factor=factor, struck=struck)
        checkpoints = gk.training.Checkpoints(setting.place / f"{number}")
        checkpoints.save(0, game.state())
        with tally.attempt(f"a gradient times {factor:g} in call {struck} of the critic, {name}") as attempt:
            found = _train(game, checkpoints)
            attempt.expect(found, f"{ROUNDS} rounds and saves went on as if nothing had happened")
            step, state = checkpoints.load_latest() or (-1, None)
            bad = poisoned(state)
            attempt.expect(not bad, f"the checkpoint of step {step} is poisoned: {bad[:3]}")


def _train(game: Game, checkpoints: gk.training.Checkpoints) -> bool:
    """Train and save; return whether an update or a save refused a number that is not finite."""
    batches = cycle([torch.randn(BATCH, FEATURES) for _ in range(7)])
    try:
        for step in range(1, ROUNDS + 1):
            game.play(batches)
            checkpoints.save(step, game.state())
    except gk.training.NonFiniteError:
        return True
    return False


EVERY = 20
WARM_UP = 0.3
SLOPE = 1.0
NOISE = 2.0
"""MB: the most that memory may grow in 10,000 rounds, and what the allocator may add to it in any number of them."""


def play_long(setting: Setting, count: int, tally: Tally) -> None:
    """Play `count` rounds in a process of its own, with a save now and then; memory, files and threads must not grow."""
    child = start(partial(_play_long, setting.place, count), setting.place / "output")
    ended = child.wait(3600)
    with tally.attempt(f"{count} rounds") as attempt:
        attempt.expect(ended.status == 0, ended.in_short)
        rows = [tuple(map(float, line.split())) for line in ended.output.splitlines()]
        memory, descriptors, threads = (list(column) for column in zip(*rows[int(WARM_UP * len(rows)) :], strict=True))
        half = len(memory) // 2
        growth = (median(memory[-half:]) - median(memory[:half])) * 2  # over the rounds that were looked at
        rounds = (1 - WARM_UP) * count
        tally.figures["MB per 10,000 rounds"] = round(growth / rounds * 10_000, 2)
        tally.figures["descriptors at most more"] = max(descriptors) - descriptors[0]
        tally.figures["threads at most more"] = max(threads) - threads[0]
        most = SLOPE * rounds / 10_000 + NOISE
        attempt.expect(
            growth <= most, f"memory grew by {growth:.1f} MB in {rounds:.0f} rounds, at most {most:.1f} are allowed"
        )
        attempt.expect(
            max(descriptors) == descriptors[0], f"open files went from {descriptors[0]} to {max(descriptors)}"
        )
        attempt.expect(max(threads) == threads[0], f"threads went from {threads[0]} to {max(threads)}")
    tally.tried = count


def _play_long(place: Path, count: int) -> None:
    torch.manual_seed(0)
    game = Game(OPTIMIZERS[0])
    checkpoints = gk.training.Checkpoints(place / "checkpoints")
    batches = cycle([torch.randn(BATCH, FEATURES) for _ in range(7)])
    for step in range(1, count + 1):
        game.play(batches)
        if step % (5 * EVERY) == 0:
            checkpoints.save(step, game.state())
            gk.training.load_updates_state(game.updates, gk.training.updates_state(game.updates))
        if step % EVERY == 0:
            sys.stdout.write("{} {} {}\n".format(*_now()))


def _now() -> tuple[float, int, int]:
    """Return the memory of this process in MB, its open files and its threads."""
    words = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(words["VmRSS"].split()[0]) / 1000, len(list(Path("/proc/self/fd").iterdir())), int(words["Threads"])


UPDATES = Trial(
    name="updates",
    how=(
        "A gradient times NaN or infinity in one call of an update, with Adam, RMSprop and SGD; one times 1e25 with "
        "Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad and Adadelta; a save after each round."
    ),
    promise=(
        "A gradient that is not finite is found, and is in no checkpoint; with an optimizer that keeps squares of gradients, "
        "such as Adam, neither is one whose square is not finite."
    ),
    arms={
        "NaN": Arm(run=partial(poison_update, factor=float("nan")), long=20, quick=4),
        "infinity": Arm(run=partial(poison_update, factor=float("inf")), long=20, quick=4),
        "1e25": Arm(run=partial(poison_update, factor=HUGE, optimizers=WITH_SQUARES), long=20, quick=4),
    },
)
MEMORY = Trial(
    name="memory",
    how="Rounds of two updates with a replay pool and an average of weights, saves and loads in between.",
    promise="Memory, open files and threads do not grow over many rounds and saves.",
    arms={"rounds": Arm(run=play_long, long=20_000, quick=800, limits={"MB per 10,000 rounds": SLOPE, "noise": NOISE})},
)
