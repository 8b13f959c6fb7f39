"""Draws and interpolations of latents are pure: they run without values, replay after tracing, and compile for any size."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.defaults import assert_defaults_do_not_matter
from support.strategies import normal
from support.traced import assert_replays

from gankit import latents
from gankit.latents import (
    across_conditions,
    fixed_latents,
    linear_interpolation,
    normal_latents,
    spherical_interpolation,
    truncated_normal_latents,
    uniform_latents,
)

Call = Callable[[torch.Tensor, torch.Tensor], Any]

# Of latents x and y, both (5, 3).
CALLS: dict[str, Call] = {
    "across_conditions": across_conditions,
    "fixed_latents": lambda x, y: x + fixed_latents(len(x), 3, seed=1, device=x.device, dtype=x.dtype),
    "linear_interpolation": lambda x, y: linear_interpolation(x, y, torch.sigmoid(y[:, :1])),
    "linear_interpolation, a number": lambda x, y: linear_interpolation(x, y, 0.3),
    "normal_latents": lambda x, y: x * normal_latents(len(x), 3, scale=0.7, device=x.device, dtype=x.dtype),
    "spherical_interpolation": lambda x, y: spherical_interpolation(x, y, torch.sigmoid(y[:, :1])),
    "truncated_normal_latents": lambda x, y: (
        x * truncated_normal_latents(len(x), 3, threshold=0.5, device=x.device, dtype=x.dtype)
    ),
    "uniform_latents": lambda x, y: x * uniform_latents(len(x), 3, device=x.device, dtype=x.dtype),
}
every = pytest.mark.parametrize("name", CALLS)


def test_every_name_is_in_the_table() -> None:
    assert {name.partition(",")[0] for name in CALLS} == {name for name in vars(latents) if not name.startswith("_")}, (
        "give a new name a row in CALLS of this file"
    )


@every
def test_tensors_without_values_will_do(name: str) -> None:
    x = torch.zeros(5, 3, device="meta")
    results = CALLS[name](x, x)
    assert all(one.device.type == "meta" for one in (results if isinstance(results, tuple) else (results,)))


@every
def test_a_replay_on_other_inputs_equals_the_eager_call(name: str) -> None:
    inputs = [(normal(seed, 5, 3), normal(seed + 1, 5, 3)) for seed in (0, 2, 4)]
    assert_replays(CALLS[name], inputs[0], (inputs[1], inputs[2]))


@every
def test_the_defaults_of_the_process_do_not_matter(name: str) -> None:
    assert_defaults_do_not_matter(CALLS[name], normal(0, 5, 3).float(), normal(1, 5, 3).float())


@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"fixed_latents"}))  # it draws on the host
def test_batches_of_any_size_share_one_compiled_graph(name: str) -> None:
    torch.compiler.reset()
    compiled = torch.compile(CALLS[name], backend="aot_eager", fullgraph=True, dynamic=None)
    for size in (5, 7, 11):
        x, y = normal(size, size, 3), normal(size + 1, size, 3)
        torch.manual_seed(size)
        expected = CALLS[name](x, y)
        torch.manual_seed(size)
        torch.testing.assert_close(compiled(x, y), expected, rtol=1e-12, atol=1e-12)
