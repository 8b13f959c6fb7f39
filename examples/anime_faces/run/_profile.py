"""Where the time of a round goes: rounds of a training that is not kept, measured as they run and part by part."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any

import torch
from torch import distributed

import gankit as gk
from examples.anime_faces.run._feed import Batch, Feed
from examples.anime_faces.run._playing import play_named
from examples.anime_faces.run._stopwatch import Stopwatch
from examples.anime_faces.run._together import ALONE, Together
from examples.anime_faces.systems import Clock, Player, Training, joined, wait_for

ROUNDS = 16  # twice the interval of the lazy penalties
SECONDS = 40.0
REST = "the rest of the round"
REST_OF_UPDATE = "checks and constraint"
FORWARD, INNER, OPTIMIZER = "forward passes", "gradients inside the terms", "optimizer"
SUMS = "sums over the ranks, and the wait for them"
WAITING = "waiting for the device, in a round as it runs"
DATA, PREPARED, READINGS, AVERAGES = "data", "drawn for all updates", "readings before the updates", "averages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where the time of a round goes.

    Args:
        rounds: How many rounds were measured; all seconds are means over them.
        whole: Seconds of a round as it runs.
        queued: Seconds until the host had queued all work of that round; on the CPU the same as `whole`.
        parts: Seconds of each part of a round that waits for the device after each part. Their sum is more than `whole`.
    """

    rounds: int
    whole: float
    queued: float
    parts: Mapping[str, float]

    @property
    def waiting(self) -> float:
        """Seconds in which the host waits for the device at the end of a round."""
        return max(0.0, self.whole - self.queued)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, for JSON."""
        return {**asdict(self), "parts": dict(self.parts), "waiting": self.waiting}

    def lines(self, device: str) -> Iterator[str]:
        """Return the table as lines of text."""
        total = sum(self.parts.values())
        width = max(len(name) for name in [*self.parts, WAITING])
        yield f"{self.whole:.3g} s in a round, mean of {self.rounds}; {total:.3g} s where each part is waited for:"
        for name, seconds in self.parts.items():
            yield f"  {name:<{width}} {1000 * seconds:>8.1f} ms {seconds / total:>6.1%}"
        if torch.device(device).type != "cpu":
            yield f"  {WAITING:<{width}} {1000 * self.waiting:>8.1f} ms"
            if self.waiting < 0.1 * self.whole:
                yield "  the device waits for the host: larger batches or fewer operations would make better use of it"


@dataclass(frozen=True, slots=True)
class TimedGradients:
    """The eager gradients, with a backward pass for each penalty beside that of the other costs, so that each has its time."""

    watch: Stopwatch

    def __call__(self, loss: gk.training.Loss, inputs: tuple[Any, ...]) -> gk.training.Values:
        """Compute the gradients; the passes add up to the same numbers but for rounding."""
        for parameter in loss.parameters:
            parameter.grad = None
        with self.watch.part(FORWARD), _inner_gradients_timed(self.watch) as inner:
            values = loss.evaluate(*inputs)
        costs = {name: cost for name, cost in values.costs.items() if cost.requires_grad}
        passes = {name: {name: cost} for name, cost in costs.items() if _stands_on(cost, inner)}
        others = {name: cost for name, cost in costs.items() if name not in passes}
        if others:
            passes = {", ".join(others): others, **passes}
        scale = loss.scale()
        for name, summands in passes.items():
            with self.watch.part(f"backward pass of {name}"):
                loss.total(summands, scale).backward(retain_graph=name != list(passes)[-1])
        return values.detached()


def _stands_on(cost: torch.Tensor, inner: set[object]) -> bool:
    """Return whether a cost was computed from one of these nodes of its graph."""
    seen: set[object] = set()
    waiting: list[Any] = [cost.grad_fn]
    while waiting:
        node = waiting.pop()
        if node in inner:
            return True
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [after for after, _ in node.next_functions]
    return False


class _TimedUpdate:
    """An update whose calls are a part."""

    def __init__(self, update: gk.training.Update, name: str, watch: Stopwatch) -> None:
        self.optimizer, self._update, self._name, self._watch = update.optimizer, update, name, watch
        self.optimizer.register_step_pre_hook(lambda *_: watch.begin(OPTIMIZER))
        self.optimizer.register_step_post_hook(lambda *_: watch.end())

    def __call__(self, *inputs: Any) -> dict[str, torch.Tensor]:
        with self._watch.part(self._name):
            return self._update(*inputs)


class _TimedFeed:
    """Batches whose drawing is a part."""

    def __init__(self, feed: Feed, watch: Stopwatch) -> None:
        self._feed, self._watch = feed, watch

    def __iter__(self) -> "_TimedFeed":
        return self

    def __next__(self) -> Batch:
        with self._watch.part(DATA):
            return next(self._feed)


Builder = Callable[[Callable[[], gk.training.Gradients]], tuple[Training, Feed]]


def profile_rounds(
    build: Builder,
    *,
    steps: int,
    seconds: float = SECONDS,
    clock: Clock = time.perf_counter,
    together: Together = ALONE,
) -> Profile:
    """Measure rounds from the middle of a plan, by turns: one as it runs, then one part by part.

    Args:
        build: Builds a training and its feed, given what makes the part of each update that computes gradients.
        steps: The planned steps.
        seconds: Begin no round after this time.
        clock: Reads seconds.
        together: The ranks that train, all of which must call this; each returns its own times.
    """
    training, feed = build(gk.training.Eager)
    device = training.hardware.device
    watch = Stopwatch(device, clock)
    timed, own_feed = build(lambda: TimedGradients(watch))
    timed, own_feed = _with_stopwatch(timed, watch), _TimedFeed(own_feed, watch)
    numbers = count(steps // 2 + 1)
    first = next(numbers)
    play_named(training, feed, first)  # these allocate memory
    timed.play(first, own_feed)
    wait_for(device)
    watch.seconds.clear()
    start, whole, queued, rounds = clock(), 0.0, 0.0, 0
    while together.of_first(int(rounds < ROUNDS and (not rounds or clock() - start < seconds))):
        step, before = next(numbers), clock()
        play_named(training, feed, step)
        queued += clock() - before
        wait_for(device)
        whole += clock() - before
        with watch.part(REST), nullcontext() if together.is_alone else _sums_timed(watch):
            timed.play(step, own_feed)
        rounds += 1
    parts: dict[str, float] = {}
    for path in _in_order(list(watch.seconds)):  # sums over ranks are counted in several parts of an update
        parts[_in_words(path)] = parts.get(_in_words(path), 0.0) + watch.seconds[path] / rounds
    on_cpu = torch.device(device).type == "cpu"
    return Profile(rounds=rounds, whole=whole / rounds, queued=(whole if on_cpu else queued) / rounds, parts=parts)


def _with_stopwatch(training: Training, watch: Stopwatch) -> Training:
    system = training.system
    if system.prepare is not None:
        system = replace(system, prepare=watch.timed(PREPARED, system.prepare))
    if system.measure is not None:
        system = replace(system, measure=watch.timed(READINGS, system.measure))
    for average in training.averages.values():
        vars(average)["update"] = watch.timed(AVERAGES, average.update)

    def timed(player: Player) -> Player:
        updates: dict[str, Any] = {
            own: _TimedUpdate(update, joined(player.name, own), watch) for own, update in player.updates.items()
        }
        return replace(player, updates=updates)

    players = {turn: {name: timed(one) for name, one in sides.items()} for turn, sides in training.players.items()}
    return replace(training, system=system, players=players)


@contextmanager
def _sums_timed(watch: Stopwatch) -> Iterator[None]:
    """Count what ranks add up, or compare, as a part: each waits there for the slowest."""
    plain = distributed.all_reduce
    distributed.all_reduce = watch.timed(SUMS, plain)
    try:
        yield
    finally:
        distributed.all_reduce = plain


@contextmanager
def _inner_gradients_timed(watch: Stopwatch) -> Iterator[set[object]]:
    """Count calls of ``torch.autograd.grad``, which penalties make, as a part; give the nodes of the gradients' graphs."""
    plain = torch.autograd.grad
    nodes: set[object] = set()

    def grad(*inputs: Any, **options: Any) -> tuple[torch.Tensor | None, ...]:
        with watch.part(INNER):
            found = plain(*inputs, **options)
        nodes.update(one.grad_fn for one in found if one is not None and one.grad_fn is not None)
        return found

    torch.autograd.grad = grad
    try:
        yield nodes
    finally:
        torch.autograd.grad = plain


def _in_order(paths: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Sort parts as they first began, updates of a player together, and what is left after its parts."""
    begun = list(dict.fromkeys(path[1] for path in paths if len(path) > 1))
    players = list(dict.fromkeys(name.partition("/")[0] for name in begun))
    begun.sort(key=lambda name: players.index(name.partition("/")[0]))
    return sorted(paths, key=lambda path: (len(begun), 0) if len(path) == 1 else (begun.index(path[1]), len(path) == 2))


def _in_words(path: Sequence[str]) -> str:
    """Return the name of a part, from what was open when it was counted; the first is always the round."""
    if len(path) == 1:
        return path[0]
    _, update, *inner = path
    if not inner:
        return update if update in (DATA, PREPARED, READINGS, AVERAGES, SUMS) else f"{update}: {REST_OF_UPDATE}"
    return f"{update}: {inner[-1]}"
