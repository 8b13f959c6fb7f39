"""Every network: shapes, unchanged inputs, memory formats, copies, dtypes, keys, and the cost of a penalty."""

import copy
import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from blocks.cases import channels_last
from networks.cases import ALL, GENERATORS, OTHERS, build, inputs_of, tensors_of
from support.flops import forward_units
from torch import nn
from torch.testing import assert_close

from gankit.networks import (
    CriticOutput,
    DCGANCritic,
    DCGANGenerator,
    MakeGirlsMoeCritic,
    R3GANCritic,
    ResidualCritic,
    ResidualGenerator,
    StarGANCritic,
)

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ALL)
def test_state_keys_and_shapes_are_those_of_the_golden_file(name: str) -> None:
    """Checkpoints of old must load: a change here needs a new version of the state, not a new golden file."""
    golden = json.loads((GOLDEN / f"{name}.json").read_text())
    assert {key: list(value.shape) for key, value in build(name).state_dict().items()} == golden
    assert list(build(name).state_dict()) == list(golden)
    metadata = vars(build(name).state_dict())["_metadata"]
    assert all(entry["version"] >= 1 for entry in metadata.values())


@pytest.mark.parametrize("name", ALL)
def test_never_changes_its_inputs(name: str) -> None:
    inputs = inputs_of(name)
    before, versions = [x.clone() for x in inputs], [x._version for x in inputs]
    build(name)(*inputs)
    assert all(torch.equal(x, y) for x, y in zip(inputs, before, strict=True))
    assert [x._version for x in inputs] == versions


@pytest.mark.parametrize("name", ALL)
def test_copies_and_pickles_compute_the_same(name: str) -> None:
    network, inputs = build(name).eval(), inputs_of(name)
    wanted = tensors_of(network(*inputs))
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert all(torch.equal(x, y) for x, y in zip(tensors_of(other(*inputs)), wanted, strict=True))


@pytest.mark.parametrize("name", ALL)
def test_layouts_agree(name: str) -> None:
    network, inputs = build(name), inputs_of(name)
    wanted = tensors_of(network(*inputs))
    network = channels_last(build(name))
    if inputs[0].ndim == 4:
        inputs = (inputs[0].contiguous(memory_format=torch.channels_last), *inputs[1:])
    result = tensors_of(network(*inputs))
    assert_close(result, wanted, rtol=1e-9, atol=1e-9)
    if name in GENERATORS:
        assert result[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", ALL)
def test_samples_stay_apart_where_nothing_couples_them(name: str) -> None:
    network, inputs = build(name).eval(), inputs_of(name)
    apart = [tensors_of(network(*(x[i : i + 1] for x in inputs))) for i in range(len(inputs[0]))]
    joined = [torch.cat(pieces) for pieces in zip(*apart, strict=True)]
    assert_close(tensors_of(network(*inputs)), joined, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_trains_in_bfloat16_and_channels_last(name: str) -> None:
    network = channels_last(ALL[name]())
    first, *labels = inputs_of(name)
    with torch.autocast("cpu", torch.bfloat16):
        result = tensors_of(network(first.float(), *labels))
    sum(x.float().square().mean() for x in result).backward()  # type: ignore[union-attr]
    assert all(torch.isfinite(x).all() for x in result)
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
    plain = tensors_of(copy.deepcopy(network)(first.float(), *labels))
    assert_close([x.float() for x in result], plain, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", ALL)
def test_repr_says_size_and_parameters(name: str) -> None:
    network = ALL[name]()
    count = sum(parameter.numel() for parameter in network.parameters())
    head = repr(network).splitlines()[1]
    assert ("resolution=12" in head) or name in OTHERS
    assert f"parameters={count:,}" in head


def test_published_sizes() -> None:
    """64 x 64 at width 64: 3.6 and 2.8 million (the DCGAN of the usual code), 11.2 million (WGAN-GP's pair, with biases)."""

    def count(network: nn.Module) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    convolutions = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3)
    norms = 2 * (512 + 256 + 128 + 64)
    assert count(DCGANGenerator()) == 100 * 512 * 16 + convolutions + norms + 3
    assert count(DCGANCritic()) == convolutions + norms - 2 * 64 + 64 + 512 * 16 + 1
    stages = ((512, 512), (512, 256), (256, 128), (128, 64))
    up = sum(9 * a * b + b + 9 * b * b + b + a * b + b + 2 * a + 2 * b for a, b in stages)
    assert count(ResidualGenerator()) == 128 * 8192 + 8192 + up + 2 * 64 + 9 * 64 * 3 + 3
    stages = ((64, 128), (128, 256), (256, 512), (512, 512))
    down = sum(9 * a * a + a + 9 * a * b + b + a * b + b + 2 * a + 2 * a for a, b in stages)
    assert count(ResidualCritic()) == 9 * 3 * 64 + 64 + down + 8192 + 1


@pytest.mark.parametrize(
    ("resolution", "base"), [(8, 4), (64, 4), (128, 4), (96, 6), (6, 3), (2, 1), (48, 6), (80, 5), (32, 16)]
)
@pytest.mark.parametrize("family", ["dcgan", "residual"])
def test_any_base_times_a_power_of_two(family: str, resolution: int, base: int) -> None:
    generator, critic = (DCGANGenerator, DCGANCritic) if family == "dcgan" else (ResidualGenerator, ResidualCritic)
    with torch.no_grad():
        images = generator(resolution=resolution, base=base, width=1, latent_features=3, image_channels=1)(
            torch.randn(2, 3)
        )
        assert images.shape == (2, 1, resolution, resolution)
        assert critic(resolution=resolution, base=base, width=1, image_channels=1)(images).shape == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_compiles_into_one_graph(name: str) -> None:
    network, inputs = build(name).eval(), inputs_of(name)
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    assert_close(tensors_of(compiled(*inputs)), tensors_of(network(*inputs)), rtol=1e-10, atol=1e-10)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ALL)
def test_never_waits_for_the_device(name: str) -> None:
    network, inputs = build(name).cuda(), [x.cuda() for x in inputs_of(name)]
    network(*inputs)
    torch.cuda.set_sync_debug_mode("error")
    try:
        network(*inputs)
    finally:
        torch.cuda.set_sync_debug_mode("default")


CRITICS: dict[str, Callable[[], nn.Module]] = {
    "make girls moe": partial(MakeGirlsMoeCritic, resolution=64, halvings=5, width=16),
    "stargan": partial(StarGANCritic, resolution=64, halvings=5, width=16),
    "r3gan": partial(
        R3GANCritic, widths=(16, 16, 16), group_channels=32, base=16
    ),  # full groups: the count does not know others
}


class Scores(nn.Module):
    """The scores of a critic, without the classes."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result = self.critic(images)
        return result.scores if isinstance(result, CriticOutput) else result


def with_torchs_rectifiers(critic: nn.Module) -> nn.Module:
    for name, layer in list(critic.named_modules()):
        if type(layer).__name__ == "LeakyReLU":
            critic.set_submodule(name, nn.LeakyReLU(layer.negative_slope))  # type: ignore[arg-type]
    return critic


@pytest.mark.parametrize("name", CRITICS)
def test_a_wgan_gp_step_costs_ten_forward_passes_not_twelve(name: str) -> None:
    ours = forward_units(lambda: Scores(CRITICS[name]()), 16, 3, 64, 64)
    torchs = forward_units(lambda: Scores(with_torchs_rectifiers(CRITICS[name]())), 16, 3, 64, 64)
    assert 9.5 < ours < 10.05
    assert 11.5 < torchs < 12.05
