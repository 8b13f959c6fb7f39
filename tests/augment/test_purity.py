"""Augmentations are pure tensor code: they run without values, replay after tracing, and compile for any batch size."""

from collections.abc import Callable

import pytest
import torch
from augment.cases import ALL, uniform
from support.defaults import assert_defaults_do_not_matter
from support.strategies import normal
from support.traced import assert_replays

from gankit import augment
from gankit.augment import mix_in_fakes

Call = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

# Of images x (n, 3, 4, 5) and a 0-d strength.
CALLS: dict[str, Call] = {type(one).__name__: lambda x, strength, one=one: one(x, strength=strength) for one in ALL} | {
    "mix_in_fakes": lambda x, strength: mix_in_fakes(x, x.flip(0), strength)
}
every = pytest.mark.parametrize("name", CALLS)


def test_every_name_is_in_the_table() -> None:
    assert {*CALLS, "Augmentation"} == {name for name in vars(augment) if not name.startswith("_")}, (
        "give a new name a row in CALLS of this file"
    )


@every
def test_images_without_values_will_do(name: str) -> None:
    x = torch.zeros(5, 3, 4, 5, device="meta")
    result = CALLS[name](x, torch.tensor(0.5, device="meta"))
    assert result.shape == x.shape
    assert result.device.type == "meta"


@every
def test_a_replay_on_other_inputs_equals_the_eager_call(name: str) -> None:
    inputs = [(normal(seed, 5, 3, 4, 5), uniform(seed)) for seed in range(3)]
    assert_replays(CALLS[name], inputs[0], (inputs[1], inputs[2]))


@every
@pytest.mark.parametrize("seed", range(3))
def test_the_defaults_of_the_process_do_not_matter(name: str, seed: int) -> None:
    assert_defaults_do_not_matter(CALLS[name], normal(seed, 5, 3, 4, 5).float(), uniform(seed).float())


@every
def test_batches_of_any_size_share_one_compiled_graph(name: str) -> None:
    torch.compiler.reset()
    compiled = torch.compile(CALLS[name], backend="aot_eager", fullgraph=True, dynamic=None)
    for size in (5, 7, 11):
        x, strength = normal(size, size, 3, 4, 5), uniform(size)
        torch.manual_seed(size)
        expected = CALLS[name](x, strength)
        torch.manual_seed(size)
        torch.testing.assert_close(compiled(x, strength), expected, rtol=1e-12, atol=1e-12)
