"""Hypothesis strategies: they draw seeds, shapes and scales; tensors follow from the seed."""

import torch
from hypothesis import strategies as st

PRIMES = (2, 3, 5, 7)
seeds = st.integers(0, 2**31 - 1)
scales = st.sampled_from((1e-3, 1.0, 1e3))
batch_sizes = st.integers(1, 11)

score_shapes = st.one_of(
    st.tuples(batch_sizes),
    st.tuples(batch_sizes, st.just(1)),
    st.tuples(batch_sizes, st.just(1), st.sampled_from(PRIMES), st.sampled_from(PRIMES)),
)
sample_shapes = st.one_of(
    st.tuples(st.integers(2, 7), st.sampled_from(PRIMES)),
    st.tuples(st.integers(2, 7), st.sampled_from(PRIMES), st.sampled_from(PRIMES)),
    st.tuples(st.integers(2, 7), st.sampled_from((1, 3)), st.sampled_from(PRIMES), st.sampled_from(PRIMES)),
)


def normal(seed: int, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Normal numbers that follow from the seed alone."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=dtype) * scale


@st.composite
def real_and_fake(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Two float64 score tensors of one shape."""
    seed, shape, scale = draw(seeds), draw(score_shapes), draw(scales)
    return normal(seed, *shape, scale=scale), normal(seed + 1, *shape, scale=scale)


@st.composite
def sample_pairs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    """Two float64 batches of samples of one shape, of rank 2 to 4."""
    seed, shape = draw(seeds), draw(sample_shapes)
    return normal(seed, *shape), normal(seed + 1, *shape)
