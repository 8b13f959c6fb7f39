"""What `Update` and `play_round` add to a loop written by hand: ``python -m benchmarks.overhead``.

Two networks of two small layers make the time mostly that of Python. All forms compute the same numbers in the same order.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from torch import nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

import gankit as gk
from benchmarks.idle import BusyError, Idleness, Watch, look, refuse_busy
from benchmarks.step_throughput.setting import Networks
from benchmarks.timing import ratio_of, timed_in_turn

LATENTS, FEATURES, WIDTH = 8, 2, 64
PENALTY = 10.0

MakeOptimizer: TypeAlias = Callable[[Iterable[nn.Parameter]], Optimizer]
Score: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
Round: TypeAlias = Callable[[Iterator[torch.Tensor]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is trained, with gankit's losses and by hand."""

    name: str
    critic_steps: int
    objective: gk.losses.Objective
    penalty: bool
    optimizer: MakeOptimizer
    critic_loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    generator_loss: Callable[[torch.Tensor], torch.Tensor]


def _named_as(scores: torch.Tensor, label: float) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


COMPARED = (
    Recipe(
        name="non-saturating 1:1",
        critic_steps=1,
        objective=gk.losses.Logistic(),
        penalty=False,
        optimizer=partial(Adam, lr=2e-4, betas=(0.5, 0.999), fused=True),
        critic_loss=lambda real, fake: _named_as(real, 1.0) + _named_as(fake, 0.0),
        generator_loss=lambda fake: _named_as(fake, 1.0),
    ),
    Recipe(
        name="WGAN-GP 5:1",
        critic_steps=5,
        objective=gk.losses.Wasserstein(),
        penalty=True,
        optimizer=partial(Adam, lr=1e-4, betas=(0.0, 0.9), fused=True),
        critic_loss=lambda real, fake: fake.mean() - real.mean(),
        generator_loss=lambda fake: -fake.mean(),
    ),
)


class Losses(NamedTuple):
    """The losses of a loop written by hand."""

    critic: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    generator: Callable[[torch.Tensor], torch.Tensor]
    penalty: Callable[[Score, torch.Tensor, torch.Tensor], torch.Tensor] | None


def make_networks(dtype: torch.dtype = torch.float32) -> Networks:
    """Build the two perceptrons, always from the same random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = nn.Sequential(nn.Linear(LATENTS, WIDTH), nn.ReLU(), nn.Linear(WIDTH, FEATURES))
        critic = nn.Sequential(nn.Linear(FEATURES, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1), nn.Flatten(0))
    return Networks(generator.to(dtype), critic.to(dtype))


def make_batches(size: int, dtype: torch.dtype = torch.float32) -> Iterator[torch.Tensor]:
    """Yield the same few batches of points forever."""
    rng = torch.Generator().manual_seed(1)
    return cycle([torch.randn(size, FEATURES, generator=rng, dtype=torch.float64).to(dtype) for _ in range(7)])


def by_hand(recipe: Recipe, networks: Networks) -> Round:
    """Return a round in plain PyTorch."""
    penalty = _plain_penalty if recipe.penalty else None
    return _loop(recipe, networks, Losses(recipe.critic_loss, recipe.generator_loss, penalty))


def losses_alone(recipe: Recipe, networks: Networks) -> Round:
    """Return the same loop with the losses and the penalty of gankit."""
    penalty = gk.constraints.gradient_penalty if recipe.penalty else None
    critic = partial(gk.losses.critic_loss, recipe.objective)
    return _loop(recipe, networks, Losses(critic, partial(gk.losses.generator_loss, recipe.objective), penalty))


def played(recipe: Recipe, networks: Networks) -> Round:
    """Return a round of `Update` and `play_round`."""
    generator, critic = networks.generator, networks.critic

    def critic_terms(real: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(_latents(real))
        costs = {"loss": gk.losses.critic_loss(recipe.objective, critic(real), critic(fake))}
        if recipe.penalty:
            costs["penalty"] = PENALTY * gk.constraints.gradient_penalty(critic, real, fake)
        return costs

    def generator_terms(real: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": gk.losses.generator_loss(recipe.objective, critic(generator(_latents(real))))}

    train_critic = gk.training.Update(recipe.optimizer(critic.parameters()), critic_terms)
    train_generator = gk.training.Update(recipe.optimizer(generator.parameters()), generator_terms, frozen=[critic])
    round_ = gk.schedules.Round(recipe.critic_steps)

    def play(batches: Iterator[torch.Tensor]) -> None:
        gk.training.play_round(round_, batches, critic=train_critic, generator=train_generator)

    return play


FORMS = {"by hand": by_hand, "by hand, losses of gankit": losses_alone, "Update and play_round": played}


def measure(recipe: Recipe, *, size: int, warmup: int, repeats: int, inner: int) -> dict[str, list[float]]:
    """Return the microseconds of a round of each form, taken in turn."""
    runs = [partial(form(recipe, make_networks()), make_batches(size)) for form in FORMS.values()]
    seconds = timed_in_turn(runs, device=torch.device("cpu"), warmup=warmup, repeats=repeats, inner=inner)
    return {name: [1e6 * row[place] / inner for row in seconds] for place, name in enumerate(FORMS)}


def write_table(
    idleness: Idleness, *, size: int = 64, warmup: int = 30, repeats: int = 200, inner: int = 10, busy: bool = False
) -> str:
    """Measure and return the page; raises `BusyError` if the machine was not idle and the caller did not allow that."""
    watch = Watch()
    rows: list[str] = []
    for recipe in COMPARED:
        rows += _rows(recipe, size=size, warmup=warmup, repeats=repeats, inner=inner)
    seen = replace(idleness, others=watch.others())
    refuse_busy(seen, busy=busy)
    measured = (
        f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), perceptrons of 2 layers with {WIDTH} units, batch "
        f"{size}, fused Adam; written by `python -m benchmarks.overhead`. Microseconds per round, the forms interleaved: "
        f"median and fastest of {repeats} samples of {inner} rounds. *ratio* is to the loop by hand: median with quartiles, "
        "and fastest to fastest."
    )
    state = f"Meanwhile {seen}." if seen.idle else f"**The machine was not idle**, do not rely on these: {seen}."
    lines = [
        "# Overhead of an update and a round",
        "",
        measured,
        "",
        state,
        "",
        "| recipe | form | median | fastest | ratio | quartiles | fastest ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *rows, ""])


def _rows(recipe: Recipe, *, size: int, warmup: int, repeats: int, inner: int) -> list[str]:
    times = measure(recipe, size=size, warmup=warmup, repeats=repeats, inner=inner)
    base = times["by hand"]
    rows = []
    for form, own in times.items():
        ratio = ratio_of(own, base)
        rows.append(
            f"| {recipe.name} | {form} | {statistics.median(own):.0f} | {min(own):.0f} | {ratio.median:.3f} "
            f"| {ratio.low:.3f} to {ratio.high:.3f} | {min(own) / min(base):.3f} |"
        )
    return rows


def main(words: Sequence[str] | None = None) -> int:
    """Measure with one thread and write the table; returns 0, or 1 if the machine is not idle."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--repeats", type=int, default=200, help="samples of each form")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder of the table")
    parser.add_argument(
        "--busy", action="store_true", help="publish although the machine is not idle; the page says so"
    )
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    try:
        idleness = look()
        refuse_busy(idleness, busy=arguments.busy)
        table = write_table(idleness, repeats=arguments.repeats, busy=arguments.busy)
    except BusyError as error:
        print(error, file=sys.stderr)
        return 1
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "overhead.md").write_text(table, encoding="utf-8")
    print(table)
    return 0


def _loop(recipe: Recipe, networks: Networks, losses: Losses) -> Round:
    generator, critic = networks.generator, networks.critic
    critic_optimizer = recipe.optimizer(critic.parameters())
    generator_optimizer = recipe.optimizer(generator.parameters())

    def play(batches: Iterator[torch.Tensor]) -> None:
        reals = list(islice(batches, recipe.critic_steps))
        for real in reals:
            with torch.no_grad():
                fake = generator(_latents(real))
            loss = losses.critic(critic(real), critic(fake))
            if losses.penalty is not None:
                loss = loss + PENALTY * losses.penalty(critic, real, fake)
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
        critic.requires_grad_(False)
        loss = losses.generator(critic(generator(_latents(reals[-1]))))
        generator_optimizer.zero_grad()
        loss.backward()
        generator_optimizer.step()
        critic.requires_grad_(True)

    return play


def _latents(real: torch.Tensor) -> torch.Tensor:
    return torch.randn(len(real), LATENTS, dtype=real.dtype)


def _plain_penalty(critic: Score, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    share = torch.rand(len(real), 1, dtype=real.dtype)
    points = (share * real + (1 - share) * fake).requires_grad_(True)
    scores = critic(points)
    gradients = torch.autograd.grad(scores, points, torch.ones_like(scores), create_graph=True)[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


if __name__ == "__main__":
    sys.exit(main())
