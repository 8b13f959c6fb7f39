"""Random latents: their distribution, their generator, their device and dtype."""

import inspect
import math
from collections.abc import Callable
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import seeds
from torch.testing import assert_close

from gankit.latents import fixed_latents, normal_latents, truncated_normal_latents, uniform_latents

Draw = Callable[..., torch.Tensor]
DRAWS: dict[str, Draw] = {
    "normal": normal_latents,
    "uniform": uniform_latents,
    "truncated": partial(truncated_normal_latents, threshold=0.7),
}
every = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
with_fixed = pytest.mark.parametrize("draw", [*DRAWS.values(), partial(fixed_latents, seed=3)], ids=[*DRAWS, "fixed"])
STANDARD = NormalDist()
sizes = st.sampled_from((1, 2, 3, 5, 7, 17))


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every
@given(seed=seeds, count=sizes, features=sizes)
def test_a_generator_replays_and_leaves_the_global_state(draw: Draw, seed: int, count: int, features: int) -> None:
    state = torch.get_rng_state()
    first = draw(count, features, rng=generator(seed))
    assert first.shape == (count, features)
    assert torch.equal(first, draw(count, features, rng=generator(seed)))
    assert torch.equal(torch.get_rng_state(), state)
    rng = generator(seed)
    draw(count, features, rng=rng)
    assert not torch.equal(first, draw(count, features, rng=rng))


@every
def test_without_a_generator_the_global_state_is_drawn_from(draw: Draw) -> None:
    torch.manual_seed(5)
    first, second = draw(3, 5), draw(3, 5)
    torch.manual_seed(5)
    assert torch.equal(draw(3, 5), first)
    assert not torch.equal(first, second)


@with_fixed
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_dtype_is_the_one_asked_for(draw: Draw, dtype: torch.dtype) -> None:
    assert draw(2, 3, dtype=dtype).dtype == dtype
    assert draw(2, 3).dtype == torch.float32
    torch.set_default_dtype(torch.float64)
    try:
        assert draw(2, 3).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@with_fixed
def test_the_device_is_the_one_asked_for(draw: Draw) -> None:
    assert draw(2, 3).device.type == "cpu"
    assert draw(2, 3, device="meta").device.type == "meta"
    with torch.device("meta"):
        assert draw(2, 3).device.type == "meta"
        assert draw(2, 3, device="cpu").device.type == "cpu"
        if "rng" in inspect.signature(draw).parameters:
            assert draw(2, 3, rng=generator(0)).device.type == "cpu"  # the generator's, not the default
            assert draw(2, 3, rng=generator(0), device="cpu").device.type == "cpu"


@given(seed=seeds, scale=st.sampled_from((0.0, 0.5, 3.0)))
def test_normal_latents_are_scaled_normal_numbers(seed: int, scale: float) -> None:
    latents = normal_latents(5, 7, scale=scale, rng=generator(seed), dtype=torch.float64)
    plain = torch.randn(5, 7, generator=generator(seed), dtype=torch.float64)
    assert torch.equal(latents, scale * plain)
    assert torch.equal(normal_latents(5, 7, rng=generator(seed), dtype=torch.float64), plain)


@given(seed=seeds, low=st.sampled_from((-1.0, 0.0, 2.0)), width=st.sampled_from((1e-3, 1.0, 7.0)))
def test_uniform_latents_fill_their_range(seed: int, low: float, width: float) -> None:
    latents = uniform_latents(50, 40, low=low, high=low + width, rng=generator(seed), dtype=torch.float64)
    numbers = torch.rand(50, 40, generator=generator(seed), dtype=torch.float64)
    assert_close(latents, low + width * numbers, rtol=1e-12, atol=0)
    assert latents.min() >= low
    assert latents.max() <= low + width
    assert latents.min() < low + 0.02 * width
    assert latents.max() > low + 0.98 * width


def test_uniform_latents_lie_in_minus_one_to_one_by_default() -> None:
    latents = uniform_latents(100, 100, rng=generator(0))
    assert latents.min().item() == pytest.approx(-1, abs=1e-3)
    assert latents.max().item() == pytest.approx(1, abs=1e-3)


@given(
    seed=seeds,
    threshold=st.sampled_from((1e-3, 0.3, 0.5, 1.0, 2.0, 4.0, 9.0, 40.0)),
    scale=st.sampled_from((0.0, 0.88, 3.0)),
)
def test_truncated_latents_are_the_inverse_of_the_distribution_function(
    seed: int, threshold: float, scale: float
) -> None:
    latents = truncated_normal_latents(5, 7, threshold=threshold, scale=scale, rng=generator(seed), dtype=torch.float64)
    numbers = torch.rand(5, 7, generator=generator(seed), dtype=torch.float64).numpy()
    below = STANDARD.cdf(-threshold)
    expected = np.vectorize(lambda u: STANDARD.inv_cdf(below + u * (1 - 2 * below)))(numbers)
    assert_close(latents, scale * torch.from_numpy(expected), rtol=1e-9, atol=1e-12)
    assert latents.abs().max() <= scale * threshold


@pytest.mark.parametrize(("threshold", "published"), [(1.0, 0.539560), (0.5, 0.283882), (2.0, None)])
def test_truncated_latents_have_the_exact_moments(threshold: float, published: float | None) -> None:
    inside = 1 - 2 * STANDARD.cdf(-threshold)
    exact = math.sqrt(1 - 2 * threshold * STANDARD.pdf(threshold) / inside)
    if published is not None:
        assert exact == pytest.approx(published, abs=1e-6)
    latents = truncated_normal_latents(1000, 1000, threshold=threshold, rng=generator(0), dtype=torch.float64)
    assert latents.std().item() == pytest.approx(exact, abs=2e-3)
    assert latents.mean().item() == pytest.approx(0, abs=3e-3)


class Ends:
    """A uniform draw of both its ends, which a test cannot wait for."""

    def __call__(self, *shape: int, **options: object) -> torch.Tensor:
        return torch.tensor([[0.0, 1 - 2.0**-53]], dtype=torch.float64)


@pytest.mark.parametrize("threshold", [1e-12, 0.5, 3.0, 8.0, 9.0, 100.0])
def test_truncated_latents_are_finite_at_both_ends(monkeypatch: pytest.MonkeyPatch, threshold: float) -> None:
    monkeypatch.setattr(torch, "rand", Ends())
    latents = truncated_normal_latents(1, 2, threshold=threshold, dtype=torch.float64)
    assert latents.isfinite().all()
    assert latents[0, 0] < 0 < latents[0, 1]
    assert latents.abs().max() <= threshold
    if threshold < 8:
        assert_close(latents, torch.tensor([[-threshold, threshold]], dtype=torch.float64), rtol=1e-3, atol=0)


@with_fixed
@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        ((0, 3), {}, "count must be at least 1, got 0"),
        ((2.5, 3), {}, "count must be a whole number, got 2.5"),
        ((2, 0), {}, "features must be at least 1, got 0"),
        ((2, True), {}, "features must be a whole number"),
        ((2, 3), {"dtype": torch.int64}, "dtype must be a floating-point dtype, got torch.int64"),
        ((2, 3), {"dtype": "float32"}, "dtype must be a floating-point dtype, got 'float32'"),
    ],
)
def test_sizes_and_dtypes_are_checked(draw: Draw, arguments: tuple, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        draw(*arguments, **options)


@every
def test_a_generator_of_another_device_is_refused(draw: Draw) -> None:
    with pytest.raises(ValueError, match="rng must be on the device of the latents, meta, got one on cpu"):
        draw(2, 3, rng=generator(0), device="meta")


@every
@pytest.mark.parametrize("rng", [7, np.random.default_rng(0)])
def test_what_is_no_generator_of_torch_is_refused(draw: Draw, rng: object) -> None:
    with pytest.raises(ValueError, match=r"rng must be a torch\.Generator, got"):
        draw(2, 3, rng=rng)


@pytest.mark.parametrize("draw", [normal_latents, DRAWS["truncated"], partial(fixed_latents, seed=3)])
@pytest.mark.parametrize("scale", [-0.1, float("nan"), "1"])
def test_scales_are_checked(draw: Draw, scale: object) -> None:
    with pytest.raises(ValueError, match="scale must be"):
        draw(2, 3, scale=scale)


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("inf"), None])
def test_thresholds_are_checked(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold must be"):
        truncated_normal_latents(2, 3, threshold=threshold)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_ranges_are_checked(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"(low|high) must be"):
        uniform_latents(2, 3, low=low, high=high)


@every
def test_compiles_whole(draw: Draw) -> None:
    torch.compiler.reset()
    compiled = torch.compile(lambda: draw(5, 7), backend="aot_eager", fullgraph=True)
    torch.manual_seed(3)
    expected = draw(5, 7)
    torch.manual_seed(3)
    assert_close(compiled(), expected)
