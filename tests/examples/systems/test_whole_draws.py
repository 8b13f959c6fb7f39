"""What ranks draw, joined: the draws of one process for the whole batch."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.systems import Share
from examples.anime_faces.systems._whole_draws import WholeBatchDraws

Draw = Callable[[int], torch.Tensor]
SHARES = torch.linspace(0.1, 0.9, 5)


def _filled(rows: int, fill: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    image = torch.zeros(rows, 3, 5, 7).to(memory_format=torch.channels_last)
    assert fill(image) is image
    return image


DRAWS: dict[str, Draw] = {
    "rand": lambda n: torch.rand(n, 3),
    "rand of a tuple": lambda n: torch.rand((n, 3, 1, 1), dtype=torch.float64),
    "rand by name": lambda n: torch.rand(size=(n,)),
    "randn": lambda n: torch.randn(n, 17),
    "randint": lambda n: torch.randint(7, (n, 2)),
    "randint between": lambda n: torch.randint(3, 7, size=(n,)),
    "normal": lambda n: torch.normal(2.0, 3.0, size=(n, 3)),
    "normal of tensors": lambda n: torch.normal(torch.ones(n, 5) * SHARES, 1.0),
    "rand_like": lambda n: torch.rand_like(torch.empty(n, 3, 5, 7).to(memory_format=torch.channels_last)),
    "randn_like": lambda n: torch.randn_like(torch.empty(n, 19)),
    "randint_like": lambda n: torch.randint_like(torch.empty(n, 3), 9),
    "bernoulli": lambda n: torch.bernoulli(SHARES.expand(n, 5)),
    "multinomial": lambda n: torch.multinomial(SHARES.expand(n, 5), 2),
    "dropout": lambda n: nn.Dropout(0.3)(torch.ones(n, 3, 5, 7)),
    "dropout of maps": lambda n: functional.dropout2d(torch.ones(n, 11, 2, 2), 0.5),
    "uniform_": lambda n: _filled(n, lambda x: x.uniform_(-1, 1)),
    "normal_": lambda n: _filled(n, lambda x: x.normal_(1.0, 2.0)),
    "bernoulli_": lambda n: _filled(n, lambda x: x.bernoulli_(0.3)),
    "bernoulli_ of tensors": lambda n: torch.empty(n, 5).bernoulli_(SHARES.expand(n, 5)),
    "latents": lambda n: gk.latents.normal_latents(n, 7),
    "mismatched labels": lambda n: gk.losses.mismatched_labels(torch.zeros(n, dtype=torch.int64), 5),
}


def _of_ranks(draw: Draw, rows: int, *, ranks: int, blocks: int) -> list[torch.Tensor]:
    """What each rank draws from the same random state, and then one more number, which shows that the states stay equal."""
    drawn: list[torch.Tensor] = []
    after: set[float] = set()
    for rank in range(ranks):
        torch.manual_seed(5)
        with WholeBatchDraws(Share(rank=rank, ranks=ranks), rows, blocks):
            drawn.append(draw(rows))
        after.add(float(torch.rand(())))
    assert len(after) == 1
    return drawn


@pytest.mark.parametrize(("ranks", "blocks"), [(2, 1), (3, 2)])
@pytest.mark.parametrize("name", DRAWS)
def test_ranks_draw_together_what_one_process_draws(name: str, ranks: int, blocks: int) -> None:
    unit = 3
    parts = _of_ranks(DRAWS[name], unit * blocks, ranks=ranks, blocks=blocks)
    torch.manual_seed(5)
    whole = DRAWS[name](unit * blocks * ranks)
    joined = torch.cat([part.split(unit)[block] for block in range(blocks) for part in parts])
    assert torch.equal(joined, whole)
    assert not torch.equal(parts[0], parts[1])
    assert all(part.stride() == whole.stride() for part in parts)


def test_several_batches_and_one_block_are_drawn_block_by_block() -> None:
    for rows in (8, 2):  # twice the batch, and one block of it
        parts = []
        for rank in range(2):
            torch.manual_seed(5)
            with WholeBatchDraws(Share(rank=rank, ranks=2), 4, 2):
                parts.append(torch.rand(rows))
        torch.manual_seed(5)
        whole = torch.rand(2 * rows)
        assert torch.equal(torch.cat([part.split(2)[k] for k in range(rows // 2) for part in parts]), whole)


@pytest.mark.parametrize(
    "draw", [lambda: torch.rand(()), lambda: torch.rand(1, 1, 1, 1), lambda: torch.rand(3), lambda: torch.randperm(4)]
)
def test_what_is_not_drawn_for_each_picture_is_the_same_on_all_ranks(draw: Callable[[], torch.Tensor]) -> None:
    first, second = _of_ranks(lambda _: draw(), 4, ranks=2, blocks=2)
    assert torch.equal(first, second)
    torch.manual_seed(5)
    assert torch.equal(first, draw())


def test_gradients_go_through_what_is_drawn_for_the_whole_batch() -> None:
    x = torch.ones(4, 3, requires_grad=True)
    torch.manual_seed(5)
    with WholeBatchDraws(Share(rank=1, ranks=2), 4):
        dropped = functional.dropout(x, 0.5)
    (slope,) = torch.autograd.grad(dropped.sum(), x)
    assert torch.equal(slope, dropped.detach())
    assert set(slope.unique().tolist()) == {0.0, 2.0}
