"""Label policies between ranks that are threads: one coin for all, steps by the samples of all."""

import torch
from support.ranks import as_ranks

from gankit.losses import AdaptiveProbability, flip_labels


def test_one_coin_of_the_whole_batch_is_that_of_the_first_rank() -> None:
    for seed in range(20):
        coins = [torch.rand((), generator=torch.Generator().manual_seed(seed + rank)) for rank in range(2)]

        def flip(rank: int, seed: int = seed) -> torch.Tensor:
            rng = torch.Generator().manual_seed(seed + rank)
            return flip_labels(torch.zeros(3), 0.5, whole_batch=True, rng=rng)

        first, second = as_ranks(2, flip)
        assert torch.equal(first, second)
        assert first.tolist() == [float(coins[0] < 0.5)] * 3


def test_a_given_coin_counts_as_it_is() -> None:
    draws = torch.tensor([0.7, 0.2])
    flipped = as_ranks(2, lambda rank: flip_labels(torch.zeros(3), 0.5, whole_batch=True, draw=draws[rank]))
    assert [one.tolist() for one in flipped] == [[0.0] * 3, [1.0] * 3]


def test_the_probability_moves_by_the_samples_of_all_ranks_and_their_mean_sign() -> None:
    scores = torch.tensor([[5.0, 1.0, 2.0], [-1.0, 0.0, 0.0]])  # the second rank alone would go down

    def update(rank: int) -> torch.Tensor:
        adaptive = AdaptiveProbability(target=0.0, length=100)
        adaptive.update(scores[rank])
        return adaptive.probability

    torch.testing.assert_close(torch.stack(as_ranks(2, update)), torch.tensor([0.06, 0.06]))
