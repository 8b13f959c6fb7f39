"""Label policies and their losses read no value of a tensor that is not on the CPU."""

from collections.abc import Callable

import pytest
import torch

from gankit.losses import (
    AdaptiveProbability,
    Logistic,
    constant_labels,
    critic_loss,
    flip_labels,
    labeled_loss,
    matching_aware_critic_loss,
    mismatched_indices,
    mismatched_labels,
    uniform_labels,
)

ADAPTIVE = AdaptiveProbability()
Call = Callable[[torch.Tensor, torch.Tensor], object]
CALLS: dict[str, Call] = {
    "AdaptiveProbability": lambda x, ids: (ADAPTIVE.update(x), flip_labels(x, ADAPTIVE.probability)),
    "constant_labels": lambda x, ids: constant_labels(x, 0.9),
    "critic_loss": lambda x, ids: critic_loss(Logistic(), x, x, real_labels=x, fake_labels=x),
    "flip_labels": lambda x, ids: flip_labels(x, x[0, 0]),
    "flip_labels, a given coin": lambda x, ids: flip_labels(x, 0.5, draw=x[:, 0]),
    "flip_labels, one coin": lambda x, ids: flip_labels(x, 0.5, whole_batch=True),
    "labeled_loss": lambda x, ids: labeled_loss(Logistic(), x, x),
    "matching_aware_critic_loss": lambda x, ids: matching_aware_critic_loss(Logistic(), x, x, x, mismatched_labels=x),
    "mismatched_indices": lambda x, ids: mismatched_indices(x),
    "mismatched_indices, a given draw": lambda x, ids: mismatched_indices(ids, draw=x[:, 0]),
    "mismatched_labels": lambda x, ids: mismatched_labels(ids, 5),
    "mismatched_labels, a given draw": lambda x, ids: mismatched_labels(ids, 5, draw=ids),
    "uniform_labels": lambda x, ids: uniform_labels(x, 0.8, 1.0),
    "uniform_labels, a given draw": lambda x, ids: uniform_labels(x, 0.8, 1.0, draw=x),
}


@pytest.mark.parametrize("name", CALLS)
def test_tensors_without_values_will_do(name: str) -> None:
    scores, ids = torch.zeros(5, 3, device="meta"), torch.zeros(5, dtype=torch.int64, device="meta")
    with pytest.raises(RuntimeError):
        bool(scores.any())  # this is how a reading would be noticed
    CALLS[name](scores, ids)


@pytest.mark.cuda
@pytest.mark.parametrize("name", CALLS)
def test_cuda_is_not_waited_for(name: str) -> None:
    scores, ids = torch.rand(5, 3, device="cuda"), torch.arange(5, device="cuda").clamp(1, 4)
    CALLS[name](scores, ids)  # the first call of a kernel loads it
    torch.cuda.set_sync_debug_mode("error")
    try:
        CALLS[name](scores, ids)
    finally:
        torch.cuda.set_sync_debug_mode("default")
