"""One round of updates."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

import torch

from gankit._core import Scalar
from gankit.schedules import Round

Batch: TypeAlias = torch.Tensor | tuple[Any, ...] | list[Any]
OneUpdate: TypeAlias = Callable[..., Mapping[str, Scalar]]
Turn: TypeAlias = OneUpdate | Mapping[str, OneUpdate]
SHARED = ""


class BatchesExhaustedError(ValueError):
    """An iterator had fewer batches left than the round needs; no step of the round was made.

    Attributes:
        left: The batches that were drawn for the round and not used, by the name of their iterator ("" for the only one).
    """

    def __init__(self, message: str, left: dict[str, list[Batch]]) -> None:
        super().__init__(message)
        self.left = left


def play_round(
    round: Round,  # noqa: A002 (the call reads play_round(round, batches, ...))
    batches: Iterator[Batch] | Mapping[str, Iterator[Batch]],
    *,
    critic: Turn,
    generator: Turn,
) -> dict[str, Scalar]:
    """Update critic and generator as many times as the round says, and return their last terms.

    All batches of the round are drawn before its first step. Each turn of the critic uses the next batch; turns of the
    generator use the last batch of the critic. If the generator goes first, or the critic has no turn, the generator uses the
    round's first batch.

    A turn may be several named updates, made in order on the turn's batch. If they need batches of their own (for example half
    batches of real and of generated samples), pass a mapping of iterators with the names of the terms: ``"critic"``,
    ``"critic/real"``, ``"generator"``. Every update of the critic must then have one, and uses a fresh batch each turn. An
    update of the generator that has one does the same; one that has none shares the batches of the critic's last named update.

    To compute something once per batch for all updates, such as a fake that critic and generator share, map a function over
    the iterator: ``map(prepare, batches)``. To do something at every k-th round, pass another update of the same optimizer in
    that round.

    Args:
        round: The number of turns of each network, and the order.
        batches: Iterator of batches, or a mapping of names to iterators. A batch is a tensor, or a tuple or list of the
            update's inputs.
        critic: The critic's update, or a mapping of names to updates.
        generator: The generator's update, or a mapping of names to updates.

    Returns:
        The terms of the last turn of each network, with the prefix ``critic/`` or ``generator/`` (``critic/real/`` for an
        update named ``real``).

    Raises:
        BatchesExhaustedError: An iterator ran out; the batches drawn for this round are in the exception.
        ValueError: `batches` is not an iterator, a mapping of them lacks an update of the critic or names an unknown one, a
            batch has another type (such as a dict), a turn is an empty mapping, or an update returns no mapping.

    Example:
        >>> import torch
        >>> from gankit.schedules import Round
        >>> from gankit.training import play_round
        >>> batches = iter([torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0)])
        >>> train_critic, train_generator = lambda real: {"loss": real}, lambda real: {"loss": -real}
        >>> play_round(Round(2), batches, critic=train_critic, generator=train_generator)
        {'critic/loss': tensor(2.), 'generator/loss': tensor(-2.)}
    """
    if not isinstance(round, Round):
        raise ValueError(f"round must be a Round, got {round!r}: write gankit.schedules.Round({round!r})")
    critic_steps, generator_steps = _steps("critic", critic), _steps("generator", generator)
    iterators = _iterators(batches, critic_steps, generator_steps)
    sources = {name: _source(name, iterators, critic_steps) for name in (*critic_steps, *generator_steps)}
    drawn = _draw(iterators, _needs(round, sources, critic_steps))

    def play_critic() -> dict[str, Scalar]:
        terms: dict[str, Scalar] = {}
        for turn in range(round.critic):
            for name, step in critic_steps.items():
                terms |= _prefixed(name, step, drawn[sources[name]][turn])
        return terms

    def play_generator() -> dict[str, Scalar]:
        terms: dict[str, Scalar] = {}
        for turn in range(round.generator):
            for name, step in generator_steps.items():
                last = 0 if round.generator_first else max(round.critic - 1, 0)
                terms |= _prefixed(name, step, drawn[sources[name]][turn if sources[name] == name else last])
        return terms

    turns = (play_generator, play_critic) if round.generator_first else (play_critic, play_generator)
    first, second = (turn() for turn in turns)
    return first | second


def _steps(player: str, turn: Turn) -> dict[str, OneUpdate]:
    if not isinstance(turn, Mapping):
        return {player: turn}
    if not turn:
        raise ValueError(f"{player} must be an update or a mapping with at least one, got an empty mapping")
    return {f"{player}/{name}": step for name, step in turn.items()}


def _iterators(
    batches: Iterator[Batch] | Mapping[str, Iterator[Batch]],
    critic: dict[str, OneUpdate],
    generator: dict[str, OneUpdate],
) -> dict[str, Iterator[Batch]]:
    iterators = dict(batches) if isinstance(batches, Mapping) else {SHARED: batches}
    for name, iterator in iterators.items():
        if not isinstance(iterator, Iterator):
            raise ValueError(
                f"{_title(name)} must be an iterator, so that rounds go on in it, got {type(iterator).__name__}"
            )
    if isinstance(batches, Mapping):
        missing, unknown = critic.keys() - iterators.keys(), iterators.keys() - critic.keys() - generator.keys()
        if missing or unknown:
            raise ValueError(
                f"batches must have an iterator for each update of the critic and no name outside {[*critic, *generator]}, "
                f"got missing {sorted(missing)}, unknown {sorted(unknown)}"
            )
    return iterators


def _source(name: str, iterators: dict[str, Iterator[Batch]], critic: dict[str, OneUpdate]) -> str:
    if SHARED in iterators:
        return SHARED
    return name if name in iterators else list(critic)[-1]


def _needs(round: Round, sources: dict[str, str], critic: dict[str, OneUpdate]) -> dict[str, int]:  # noqa: A002
    needs: dict[str, int] = {}
    for name, source in sources.items():
        fresh = name in critic or name == source
        count = round.critic if name in critic else round.generator
        needs[source] = max(needs.get(source, 0), count if fresh else min(count, 1))
    return needs


def _draw(iterators: dict[str, Iterator[Batch]], needs: dict[str, int]) -> dict[str, list[Batch]]:
    drawn = {name: list(islice(iterator, needs[name])) for name, iterator in iterators.items()}
    for name, batches in drawn.items():
        if len(batches) < needs[name]:
            raise BatchesExhaustedError(
                f"{_title(name)} must hold {needs[name]} more for this round, got {len(batches)}; no step was taken",
                drawn,
            )
    for name, batches in drawn.items():
        for batch in batches:
            if not isinstance(batch, torch.Tensor | tuple | list):
                raise ValueError(
                    f"{_title(name)} must hold tensors, or tuples or lists of an update's inputs, got {type(batch).__name__}"
                )
    return drawn


def _title(name: str) -> str:
    return "batches" if name == SHARED else f"batches[{name!r}]"


def _prefixed(name: str, step: OneUpdate, batch: Batch) -> dict[str, Scalar]:
    inputs = (batch,) if isinstance(batch, torch.Tensor) else tuple(batch)
    terms = step(*inputs)
    if not isinstance(terms, Mapping):
        raise ValueError(f"{name} must return a mapping of names to 0-d tensors, got {type(terms).__name__}")
    return {f"{name}/{key}": term for key, term in terms.items()}
