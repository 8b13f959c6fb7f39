"""Parts of a batch, and what ranks compute together of them."""

import numpy as np
import pytest
import torch
from support.ranks import as_ranks

from examples.anime_faces.systems import Share, of_all_ranks, of_one_rank
from examples.anime_faces.systems._share import averaged, sum_over_ranks


@pytest.mark.parametrize(("ranks", "blocks"), [(1, 1), (2, 1), (3, 2), (2, 4)])
def test_every_row_belongs_to_one_rank_and_blocks_are_cut_alike(ranks: int, blocks: int) -> None:
    rows = np.random.default_rng(0).permutation(5 * ranks * blocks)
    parts = [Share(rank=rank, ranks=ranks).of(rows, blocks) for rank in range(ranks)]
    assert sorted(np.concatenate(parts)) == sorted(rows)
    for rank, part in enumerate(parts):
        assert part.reshape(blocks, 5).tolist() == rows.reshape(blocks, ranks, 5)[:, rank].tolist()


def test_the_batch_is_that_of_all_ranks_and_must_divide() -> None:
    assert Share(rank=1, ranks=2).size(64, 4) == 32
    assert Share().size(7, 3) == 7
    with pytest.raises(ValueError, match="a multiple of 2, and at least 4, for 2 ranks, but it is 7: it counts"):
        Share(ranks=2).size(7)
    with pytest.raises(ValueError, match="at least 6, for 3 ranks, but it is 3"):
        Share(ranks=3).size(3)
    with pytest.raises(
        ValueError, match=r"a multiple of 8, .* for 2 ranks and 4 pictures of each condition, but it is 12"
    ):
        Share(ranks=2).size(12, 4)


def test_rows_of_all_ranks_are_joined_and_their_gradients_go_back() -> None:
    assert of_one_rank(12) == 12
    alone = torch.ones(2)
    assert of_all_ranks(alone) is alone

    def play(rank: int) -> tuple[int, torch.Tensor, torch.Tensor]:
        own = torch.tensor([1.0 + rank, 5.0 + rank], requires_grad=True)
        joined = of_all_ranks(own)
        (slope,) = torch.autograd.grad((joined.cumsum(0) ** 2).sum(), own)
        return of_one_rank(12), joined.detach(), slope

    whole = torch.tensor([1.0, 5.0, 2.0, 6.0], requires_grad=True)
    (expected,) = torch.autograd.grad((whole.cumsum(0) ** 2).sum(), whole)
    for rank, (pictures, joined, slope) in enumerate(as_ranks(2, play)):
        assert pictures == 6
        assert joined.tolist() == whole.tolist()
        torch.testing.assert_close(slope, 2 * expected[2 * rank : 2 * rank + 2])  # summed over the losses of both ranks


def test_sums_over_ranks_can_be_differentiated_twice() -> None:
    whole = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(whole.sum() ** 4, whole, create_graph=True)
    (expected,) = torch.autograd.grad((slope**2).sum(), whole)

    def play(rank: int) -> tuple[torch.Tensor, torch.Tensor]:
        own = whole.detach()[rank].clone().requires_grad_()
        (slope,) = torch.autograd.grad(sum_over_ranks(own) ** 4 / 3, own, create_graph=True)
        (second,) = torch.autograd.grad(slope**2, own)
        return slope.detach(), second

    for rank, (own, second) in enumerate(as_ranks(3, play)):
        torch.testing.assert_close(own, slope[rank].detach())
        torch.testing.assert_close(second, expected[rank])


def test_named_values_are_averaged_without_changing_those_that_are_given() -> None:
    def play(rank: int) -> dict[str, torch.Tensor]:
        own = {"a": torch.tensor(1.0 + rank), "b": torch.tensor(3.0 * rank, requires_grad=True)}
        found = averaged(own)
        assert float(own["a"]) == 1.0 + rank
        assert averaged({}) == {}
        return found

    for found in as_ranks(2, play):
        assert (float(found["a"]), float(found["b"])) == (1.5, 1.5)
        assert not found["b"].requires_grad
