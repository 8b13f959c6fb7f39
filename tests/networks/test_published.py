"""The reports' and papers' networks, layer for layer at their own sizes, and how many parameters that makes."""

from functools import partial

import pytest
import torch
from networks.published import Line, convolution, doubling, lines_of, norm
from torch import nn

from gankit.embedders import MultiHotEmbedder, TextProjection
from gankit.networks import (
    DCGANCritic,
    DCGANGenerator,
    JoinedCritic,
    MakeGirlsMoeCritic,
    PatchGANCritic,
    R3GANCritic,
    R3GANGenerator,
    StarGANCritic,
    StarGANGenerator,
    UNetColorizer,
    layer_table,
)

RELU: Line = ("ReLU",)
LEAKY: Line = ("LeakyReLU", 0.2)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_report_a_s_generator_of_96_pixels_in_0_to_1() -> None:
    generator = DCGANGenerator(resolution=96, base=6, embedder=TextProjection(2400, 128), output=nn.Sigmoid)
    assert lines_of(generator, torch.empty(2, 100), torch.empty(2, 2400)) == [
        ("Linear", 2400, 128, True),
        LEAKY,
        ("Linear", 228, 512 * 6 * 6, False),
        *(norm(512), RELU, doubling(512, 256, 12, bias=False)),
        *(norm(256), RELU, doubling(256, 128, 24, bias=False)),
        *(norm(128), RELU, doubling(128, 64, 48, bias=False)),
        *(norm(64), RELU, doubling(64, 3, 96)),
        ("Sigmoid",),
    ]
    text, stem = 2400 * 128 + 128, 228 * 18432
    convolutions = 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 3
    assert parameters(generator) == text + stem + convolutions + 2 * (512 + 256 + 128 + 64) == 7_267_331


def test_report_a_s_critic_joins_the_text_at_6_by_6() -> None:
    critic = JoinedCritic(resolution=96, base=6, embedder=TextProjection(2400, 128))
    assert lines_of(critic, torch.empty(2, 3, 96, 96), torch.empty(2, 2400)) == [
        ("Linear", 2400, 128, True),
        LEAKY,
        *(convolution(3, 64, 4, 2, 48), LEAKY),
        *(convolution(64, 128, 4, 2, 24, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 12, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 6, bias=False), norm(512), LEAKY),
        *(convolution(640, 512, 1, 1, 6, bias=False), norm(512), LEAKY),
        ("Linear", 512 * 6 * 6, 1, True),
    ]
    assert parameters(critic) == 3_411_905


def test_report_b_s_dcgan() -> None:
    leaky = partial(nn.LeakyReLU, 0.2)
    assert lines_of(DCGANGenerator(activation=leaky), torch.empty(2, 100)) == [
        ("Linear", 100, 512 * 4 * 4, False),
        *(norm(512), LEAKY, doubling(512, 256, 8, bias=False)),
        *(norm(256), LEAKY, doubling(256, 128, 16, bias=False)),
        *(norm(128), LEAKY, doubling(128, 64, 32, bias=False)),
        *(norm(64), LEAKY, doubling(64, 3, 64)),
        ("Tanh",),
    ]
    assert lines_of(DCGANCritic(), torch.empty(2, 3, 64, 64)) == [
        *(convolution(3, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4, bias=False), norm(512), LEAKY),
        ("Linear", 8192, 1, True),
    ]


def test_report_c_s_pair_as_presets() -> None:
    """Report C's program has, beside these: no gains in its norms, an epsilon of 1e-3, and a bias in every layer."""
    tags = MultiHotEmbedder(23)
    generator = DCGANGenerator(width=128, embedder=tags)
    assert lines_of(generator, torch.empty(2, 100), torch.empty(2, 23)) == [
        ("Linear", 123, 1024 * 4 * 4, False),
        *(norm(1024), RELU, doubling(1024, 512, 8, bias=False)),
        *(norm(512), RELU, doubling(512, 256, 16, bias=False)),
        *(norm(256), RELU, doubling(256, 128, 32, bias=False)),
        *(norm(128), RELU, doubling(128, 3, 64)),
        ("Tanh",),
    ]
    critic = JoinedCritic(embedder=tags, mixing=0)
    assert lines_of(critic, torch.empty(2, 3, 64, 64), torch.empty(2, 23)) == [
        *(convolution(3, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4, bias=False), norm(512), LEAKY),
        ("Linear", (512 + 23) * 4 * 4, 1, True),
    ]


@pytest.mark.parametrize(("domains", "generator", "critic"), [(5, 8_430_528, 44_762_048), (8, 8_439_936, 44_786_624)])
def test_stargan_s_parameters_are_those_that_its_program_prints(domains: int, generator: int, critic: int) -> None:
    with torch.device("meta"):
        assert parameters(StarGANGenerator(embedder=MultiHotEmbedder(domains))) == generator
        assert parameters(StarGANCritic(num_classes=domains)) == critic


def test_stargan_s_critic() -> None:
    sides, channels = (64, 32, 16, 8, 4, 2), (3, 64, 128, 256, 512, 1024, 2048)
    with torch.device("meta"):
        critic = StarGANCritic()
    lines = lines_of(critic, torch.empty(2, 3, 128, 128))
    body = [(convolution(channels[i], channels[i + 1], 4, 2, sides[i]), ("LeakyReLU", 0.01)) for i in range(6)]
    assert lines[:12] == [line for pair in body for line in pair]
    assert lines[12:] == [("Conv2d", 2048, 1, 3, 1, 1, False, 2), ("Conv2d", 2048, 5, 2, 1, 0, False, 1)]


def test_pix2pix_s_and_cyclegan_s_parameters() -> None:
    """54.414 million and 2.765 million, as their program prints; the U-Net's two biases without a norm are ours."""
    with torch.device("meta"):
        assert parameters(UNetColorizer(halvings=8, in_channels=3)) == 54_413_955 + 64 + 512
        assert parameters(PatchGANCritic(norm=nn.InstanceNorm2d)) == 2_764_737


def test_make_girls_moe_s_critic() -> None:
    """Ten blocks in five stages, a 4x4 convolution of stride 2 before each and after the last."""
    with torch.device("meta"):
        critic = MakeGirlsMoeCritic(num_classes=34)
    strided = sum(16 * a * b + b for a, b in ((3, 32), (32, 64), (64, 128), (128, 256), (256, 512), (512, 1024)))
    blocks = sum(4 * (9 * width * width + width) for width in (32, 64, 128, 256, 512))
    assert parameters(critic) == strided + blocks + 35 * (1024 * 2 * 2 + 1) == 23_895_427
    lines = lines_of(critic, torch.empty(2, 3, 128, 128))
    assert lines[:6] == [
        *(convolution(3, 32, 4, 2, 64), LEAKY),
        *(convolution(32, 32, 3, 1, 64), LEAKY, convolution(32, 32, 3, 1, 64), LEAKY),
    ]
    assert lines[-2:] == [("Linear", 4096, 1, True), ("Linear", 4096, 34, True)]
    assert not any("Norm" in str(line[0]) for line in lines)


def test_r3gan_s_settings_for_32_pixels_with_classes() -> None:
    """Four stages of 768, labels as 64 numbers into the generator, and 768 that the critic multiplies with."""
    widths = (768,) * 4
    with torch.device("meta"):
        generator = R3GANGenerator(widths=widths, embedder=nn.Linear(10, 64, bias=False))
        critic = R3GANCritic(widths=widths, embedder=nn.Linear(10, 768, bias=False))
    table = layer_table(generator, torch.empty(2, 64), torch.empty(2, 10))
    assert table.rows[-1].output == (2, 3, 32, 32)
    bottlenecks = 8 * (2 * 2 * 768 * 768 + 1536 * 16 * 9 + 2 * 1536)
    assert table.parameters == 10 * 64 + 128 * 768 + 768 * 16 + bottlenecks + 768 * 3
    table = layer_table(critic, torch.empty(2, 3, 32, 32), torch.empty(2, 10))
    assert table.parameters == 10 * 768 + 3 * 768 + bottlenecks + 768 * 16 + 768 * 768
