"""Several augmentations in order, each with its own columns of the draw."""

import pytest
import torch
from augment.cases import images, uniform
from hypothesis import given, strategies as st
from support.strategies import seeds

from gankit.augment import Brightness, Composed, Cutout, HorizontalFlip, Translation

PARTS = (Translation(ratio=0.4), Brightness(), HorizontalFlip(), Cutout())


@given(x=images(), seed=seeds, order=st.permutations(PARTS), strength=st.floats(0, 1))
def test_parts_act_in_order_on_their_own_columns(x: torch.Tensor, seed: int, order: list, strength: float) -> None:
    augment = Composed(parts=tuple(order))
    assert augment.numbers == 9
    draw = uniform(seed, len(x), 9)
    expected, start = x, 0
    for part in order:
        expected = part(expected, strength=strength, draw=draw[:, start : start + part.numbers])
        start += part.numbers
    assert torch.equal(augment(x, strength=strength, draw=draw), expected)


@given(x=images(), seed=seeds)
def test_nesting_changes_nothing(x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), 9)
    nested = Composed(parts=(PARTS[0], Composed(parts=PARTS[1:3]), PARTS[3]))
    assert nested.numbers == 9
    assert torch.equal(nested(x, draw=draw), Composed(parts=PARTS)(x, draw=draw))


def test_order_matters_and_is_kept() -> None:
    # Moved and then brightened, what came in is no longer zero.
    draw = torch.tensor([[0.0, 0.99, 0.5]]), torch.tensor([[0.0, 1.0]])
    x = torch.ones(1, 1, 4, 4)
    first = Composed(parts=(Translation(ratio=0.25), Brightness()))(x, draw=torch.cat(draw, dim=1))
    second = Composed(parts=(Brightness(), Translation(ratio=0.25)))(x, draw=torch.cat(draw[::-1], dim=1))
    assert first[0, 0, 0].tolist() == [0.5] * 4
    assert second[0, 0, 0].tolist() == [0.0] * 4


def test_one_draw_changes_real_and_fake_alike_and_two_draws_do_not() -> None:
    augment = Composed(parts=(Translation(ratio=0.4), Cutout()))
    x, rng = torch.ones(16, 1, 8, 8), torch.Generator().manual_seed(0)
    draw = torch.rand(16, augment.numbers, generator=rng)
    assert torch.equal(augment(x, draw=draw) == 0, augment(3 * x, draw=draw) == 0)
    assert not torch.equal(augment(x, rng=rng), augment(x, rng=rng))


class Class:
    numbers = 1


@pytest.mark.parametrize(
    "parts",
    [(), [Translation()], (Translation,), (Class,), (Class(),), (Translation(), abs), (3,), None],
)
def test_parts_are_checked(parts: tuple) -> None:
    with pytest.raises(ValueError, match="parts must"):
        Composed(parts=parts)
