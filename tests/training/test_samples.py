"""What a pool refuses to hold."""

from typing import Any

import numpy as np
import pytest
import torch
from support.forged import quantized

from gankit.training import Replay

SAMPLES = [None, 3, [1], np.zeros((2, 3)), torch.eye(3).to_sparse(), quantized((2, 3))]


@pytest.mark.parametrize("samples", SAMPLES, ids=lambda samples: type(samples).__name__)
@pytest.mark.parametrize("name", ["swap", "half_batch"])
def test_samples_that_are_no_dense_tensors_are_refused(name: str, samples: Any) -> None:
    replay = Replay(3)
    with pytest.raises(ValueError, match="samples must be dense tensors, got "):
        getattr(replay, name)(torch.ones(2, 3), samples)
    assert len(replay) == 0


@pytest.mark.parametrize("capacity", [10**17, 10**30])
def test_a_pool_that_does_not_fit_into_memory_is_refused(capacity: int) -> None:
    replay = Replay(capacity)
    with pytest.raises(ValueError, match=rf"fit into memory, got {capacity} of the shapes \[\[3\]\]"):
        replay.swap(torch.ones(2, 3))
    with pytest.raises(ValueError, match="fit into memory"):
        replay.load_state_dict({"version": 1, "samples": [torch.ones(2, 3)]})
    assert len(replay) == 0
