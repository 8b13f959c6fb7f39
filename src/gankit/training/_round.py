"""One round of updates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import torch

from gankit._core import Scalar
from gankit.schedules import Round
from gankit.training._finite import NonFiniteError

Batch: TypeAlias = torch.Tensor | tuple[Any, ...] | list[Any]
OneUpdate: TypeAlias = Callable[..., Mapping[str, Scalar]]
Turn: TypeAlias = OneUpdate | Mapping[str, OneUpdate]
SHARED = ""
_BATCH_TYPES = (torch.Tensor, tuple, list)


class BatchesExhaustedError(ValueError):
    """An iterator had fewer batches left than the round needs; no step of the round was made.

    Args:
        message: What was missing.
        left: The batches that were drawn for the round and not used, by the name of their iterator ("" for the only one).

    Example:
        >>> import torch
        >>> from gankit.schedules import Round
        >>> from gankit.training import BatchesExhaustedError, Update, play_round
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> update = Update(torch.optim.SGD([weight]), lambda x: {"loss": (weight * x).mean()})
        >>> try:
        ...     _ = play_round(Round(critic=2), iter([torch.ones(5)]), critic=update, generator=update)
        ... except BatchesExhaustedError as error:
        ...     print("end of the epoch; batches left over:", len(error.left[""]))
        end of the epoch; batches left over: 1
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
    """Make the critic (D) and generator (G) updates of one round, and return their last terms.

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
    shared = not isinstance(batches, Mapping)
    iterators = {SHARED: batches} if shared else dict(batches)
    for name, iterator in iterators.items():
        if not isinstance(iterator, Iterator):
            raise ValueError(
                f"{_title(name)} must be an iterator, so that rounds go on in it, got {type(iterator).__name__}"
            )
    plan = _plan(round, tuple(critic_steps), tuple(generator_steps), None if shared else tuple(iterators))
    drawn = _draw(iterators, plan.needs)
    steps = critic_steps | generator_steps
    terms: dict[str, Scalar] = {}
    for name, source, place in plan.turns:
        try:
            terms |= _prefixed(name, steps[name], drawn[source][place])
        except NonFiniteError as error:
            error.add_note(f"in the update '{name}' of the round")
            raise
    return terms


def _steps(player: str, turn: Turn) -> dict[str, OneUpdate]:
    if not isinstance(turn, Mapping):
        return {player: turn}
    if not turn:
        raise ValueError(f"{player} must be an update or a mapping with at least one, got an empty mapping")
    return {f"{player}/{name}": step for name, step in turn.items()}


class _Plan(NamedTuple):
    """What a round draws and does.

    Args:
        needs: How many batches are drawn, by the name of their iterator.
        turns: The name of each update, of the iterator whose batch it gets, and the place of the batch among those drawn.
    """

    needs: Mapping[str, int]
    turns: Sequence[tuple[str, str, int]]


@lru_cache(maxsize=256)  # most rounds are like the one before
def _plan(
    round: Round,  # noqa: A002
    critic: tuple[str, ...],
    generator: tuple[str, ...],
    iterators: tuple[str, ...] | None,
) -> _Plan:
    """Plan a round of updates with these names; the names of iterators are None if there is one for all."""
    if iterators is not None:
        missing, unknown = {*critic} - {*iterators}, {*iterators} - {*critic} - {*generator}
        if missing or unknown:
            raise ValueError(
                f"batches must have an iterator for each update of the critic and no name outside {[*critic, *generator]}, "
                f"got missing {sorted(missing)}, unknown {sorted(unknown)}"
            )
    last = 0 if round.generator_first else max(round.critic - 1, 0)
    critic_turns = [
        (name, SHARED if iterators is None else name, turn) for turn in range(round.critic) for name in critic
    ]
    generator_turns: list[tuple[str, str, int]] = []
    for turn in range(round.generator):
        for name in generator:
            own = iterators is not None and name in iterators
            source = name if own else SHARED if iterators is None else critic[-1]
            generator_turns.append((name, source, turn if own else last))
    turns = [*generator_turns, *critic_turns] if round.generator_first else [*critic_turns, *generator_turns]
    needs = dict.fromkeys((SHARED,) if iterators is None else iterators, 0)
    for _, source, place in turns:
        needs[source] = max(needs[source], place + 1)
    return _Plan(needs, turns)


def _draw(iterators: Mapping[str, Iterator[Batch]], needs: Mapping[str, int]) -> dict[str, list[Batch]]:
    drawn = {name: list(islice(iterator, needs[name])) for name, iterator in iterators.items()}
    for name, batches in drawn.items():
        if len(batches) < needs[name]:
            raise BatchesExhaustedError(
                f"{_title(name)} must hold {needs[name]} more for this round, got {len(batches)}; no step was taken",
                drawn,
            )
    for name, batches in drawn.items():
        for batch in batches:
            if not isinstance(batch, _BATCH_TYPES):
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
