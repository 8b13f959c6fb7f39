"""Uniform numbers, drawn or given."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from gankit._core import random_tensor, refuse_both, uniform_draw, uniform_like


@pytest.mark.parametrize(
    ("dtype", "drawn"),
    [(torch.float64, torch.float64), (torch.bfloat16, torch.float32), (torch.int64, torch.float32)],
)
def test_new_numbers_are_those_of_the_generator_in_float32_or_wider(dtype: torch.dtype, drawn: torch.dtype) -> None:
    state = torch.get_rng_state()
    numbers = uniform_draw(None, torch.zeros(2, dtype=dtype), (3, 5), torch.Generator().manual_seed(7))
    assert torch.equal(torch.get_rng_state(), state)
    expected = torch.rand(3, 5, generator=torch.Generator().manual_seed(7), dtype=drawn)
    torch.testing.assert_close(numbers, expected, rtol=0, atol=0)


def test_given_numbers_are_passed_on() -> None:
    draw = torch.tensor([0.0, 0.5, 1 - 2**-24])
    assert uniform_draw(draw, torch.zeros(7), (3,), None) is draw


@pytest.mark.parametrize(
    ("draw", "match"),
    [
        (torch.zeros(3, 1), r"draw must have shape \(3,\), got \(3, 1\)"),
        (torch.zeros(3, dtype=torch.int64), "draw must be a floating-point tensor"),
        (0.5, "draw must be a tensor, got float"),
        (torch.tensor([0.0, 0.5, 1.0]), r"draw must hold numbers from 0 to below 1, got 0\.\.1"),
        (torch.tensor([-0.25, 0.5, 0.5]), r"draw must hold numbers from 0 to below 1, got -0\.25\.\.0\.5"),
        (torch.tensor([0.5, torch.nan, 0.5]), "draw must hold numbers from 0 to below 1, got nan"),
    ],
)
def test_mistakes_are_named(draw: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        uniform_draw(draw, torch.zeros(3), (3,), None)


def test_numbers_and_a_generator_are_refused_together() -> None:
    with pytest.raises(ValueError, match="draw and rng must not both be given"):
        uniform_draw(torch.zeros(3), torch.zeros(3), (3,), torch.Generator())


def test_new_numbers_lie_where_the_tensor_does() -> None:
    assert uniform_draw(None, torch.ones(2, device="meta"), (3,), None).device.type == "meta"


def test_numbers_that_cannot_be_read_are_not_checked() -> None:
    draw = torch.full((3,), 7.0, device="meta")
    assert uniform_draw(draw, torch.ones(2, device="meta"), (3,), None) is draw


@pytest.mark.parametrize("shape", [(3,), [3], torch.Size([3])])
def test_shapes_may_be_any_sequence(shape: Any) -> None:
    assert uniform_draw(torch.zeros(3), torch.zeros(2), shape, None).shape == (3,)
    assert uniform_draw(None, torch.zeros(2), shape, None).shape == (3,)


def test_a_draw_or_a_generator_alone_or_none_passes() -> None:
    refuse_both("noise", torch.zeros(3), None)
    refuse_both("noise", None, torch.Generator())
    refuse_both("noise", None, None)
    with pytest.raises(ValueError, match="noise and rng must not both be given: a given noise leaves nothing to draw"):
        refuse_both("noise", torch.zeros(3), torch.Generator())


@pytest.mark.parametrize("sampler", [torch.rand, torch.randn, partial(torch.randint, 1, 7)])
def test_draws_trace_with_a_batch_size_that_changes(sampler: Callable[..., torch.Tensor]) -> None:
    def program(values: torch.Tensor) -> torch.Tensor:
        return random_tensor(sampler, (values.shape[0], 3), None, dtype=torch.float64, device=values.device)

    graph = make_fx(program, tracing_mode="symbolic")(torch.ones(2))
    torch.manual_seed(7)
    drawn = graph(torch.ones(5))
    torch.manual_seed(7)
    assert torch.equal(drawn, sampler((5, 3), dtype=torch.float64))


@pytest.mark.parametrize("sampler", [torch.rand, torch.randn, partial(torch.randint, 1, 7)])
def test_draws_come_from_the_generator_where_there_is_one(sampler: Callable[..., torch.Tensor]) -> None:
    state = torch.get_rng_state()
    rng = torch.Generator().manual_seed(7)
    drawn = random_tensor(sampler, [5, 3], rng, dtype=torch.float64, device=None)
    assert torch.equal(torch.get_rng_state(), state)
    again = sampler((5, 3), generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    assert torch.equal(drawn, again)
    with torch.device("meta"):
        drawn = random_tensor(sampler, (5, 3), torch.Generator(), dtype=torch.float64, device=torch.device("cpu"))
    assert drawn.device.type == "cpu"


def test_uniform_draws_follow_the_tensor_and_the_generator() -> None:
    like = torch.zeros(2, dtype=torch.float64)
    state = torch.get_rng_state()
    drawn = uniform_like(like, (5, 1), torch.Generator().manual_seed(7))
    assert torch.equal(drawn, torch.rand(5, 1, generator=torch.Generator().manual_seed(7), dtype=torch.float64))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(uniform_like(like, (3,), None), uniform_like(like, (3,), None))


def test_uniform_draws_lie_where_the_tensor_does() -> None:
    assert uniform_like(torch.ones(2, device="meta"), (3,), None).device.type == "meta"
