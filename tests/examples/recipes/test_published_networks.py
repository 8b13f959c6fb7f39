"""The networks of reports B, C and E, layer for layer as their programs have them, and how many numbers that makes."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from networks.published import Line, convolution, doubling, lines_of, norm
from support.recipes import FACES as SMALL_FACES, assembled
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.acgan.networks import AcganCritic, AcganGenerator

FACES = replace(SMALL_FACES, size=64)
RELU: Line = ("ReLU",)
LEAKY: Line = ("LeakyReLU", 0.2)


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def keras_norm(channels: int) -> Line:
    return norm(channels, epsilon=1e-3, momentum=0.5)


def test_report_e_s_generator() -> None:
    generator = AcganGenerator(size=64, embedder=FACES.condition.label_embedder(8))
    assert lines_of(generator, torch.empty(2, 100), torch.zeros(2, 2, dtype=torch.int64)) == [
        ("Embedding", 12, 8),
        ("Embedding", 11, 8),
        *(("ConvTranspose2d", 100 + 8 + 8, 512, 4, 1, 0, True, 4), keras_norm(512), LEAKY),
        *(doubling(512, 256, 8), keras_norm(256), LEAKY),
        *(doubling(256, 128, 16), keras_norm(128), LEAKY),
        *(doubling(128, 64, 32), keras_norm(64), LEAKY),
        *(convolution(64, 64, 3, 1, 32), keras_norm(64), LEAKY),
        *(doubling(64, 3, 64), ("Tanh",)),
    ]
    transposed = sum(16 * a * b + b for a, b in ((116, 512), (512, 256), (256, 128), (128, 64), (64, 3)))
    norms = 2 * (512 + 256 + 128 + 64 + 64)
    assert parameters(generator) == 8 * (12 + 11) + transposed + 9 * 64 * 64 + 64 + norms == 3_745_979


def test_report_e_s_critic() -> None:
    critic = AcganCritic(size=64, class_head=FACES.condition.class_head)
    assert lines_of(critic, torch.empty(2, 3, 64, 64)) == [
        *(convolution(3, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16), keras_norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8), keras_norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4), keras_norm(512), LEAKY),
        ("Linear", 8192, 1, True),
        ("Linear", 8192, 12 + 11, True),  # two layers of Keras side by side
    ]
    convolutions = sum(16 * a * b + b for a, b in ((3, 64), (64, 128), (128, 256), (256, 512)))
    assert parameters(critic) == convolutions + 2 * (128 + 256 + 512) + 24 * 8193 == 2_954_968


def report_b(recipe: str = "dcgan", **options: Any) -> Mapping[str, nn.Module]:
    return assembled(recipe, FACES, steps=1, **options).networks


@pytest.mark.parametrize("recipe", ["dcgan", "wgan_clip"])
def test_report_b_s_generator(recipe: str) -> None:
    generator = report_b(recipe)["generator"]
    assert lines_of(generator, torch.empty(2, 100)) == [
        *(("ConvTranspose2d", 100, 512, 4, 1, 0, False, 4), norm(512), LEAKY),
        *(doubling(512, 256, 8, bias=False), norm(256), LEAKY),
        *(doubling(256, 128, 16, bias=False), norm(128), LEAKY),
        *(doubling(128, 64, 32, bias=False), norm(64), LEAKY),
        *(doubling(64, 3, 64), ("Tanh",)),
    ]
    convolutions = 16 * sum(a * b for a, b in pairwise((100, 512, 256, 128, 64, 3))) + 3
    assert parameters(generator) == convolutions + 2 * (512 + 256 + 128 + 64) == 3_576_707


def test_report_b_s_generator_with_repeated_pixels() -> None:
    def repeating(before: int, after: int, side: int, *, bias: bool = False) -> Line:
        return ("UpsampledConv2d", before, after, 3, 1, 1, bias, side)

    generator = report_b(upsampled=True)["generator"]
    assert lines_of(generator, torch.empty(2, 100)) == [
        ("Linear", 100, 512 * 4 * 4, True),
        *(convolution(512, 512, 3, 1, 4, bias=False), norm(512), LEAKY),
        *(repeating(512, 256, 8), norm(256), LEAKY),
        *(repeating(256, 128, 16), norm(128), LEAKY),
        *(repeating(128, 64, 32), norm(64), LEAKY),
        *(repeating(64, 3, 64, bias=True), ("Tanh",)),
    ]
    convolutions = 9 * sum(a * b for a, b in pairwise((512, 512, 256, 128, 64, 3))) + 3
    assert parameters(generator) == 101 * 8192 + convolutions + 2 * (512 + 256 + 128 + 64) == 4_738_627


@pytest.mark.parametrize("recipe", ["dcgan", "wgan_clip"])
def test_report_b_s_critic(recipe: str) -> None:
    critic = report_b(recipe)["critic"]
    assert lines_of(critic, torch.empty(2, 3, 64, 64)) == [
        *(convolution(3, 64, 4, 2, 32, bias=False), norm(64), LEAKY),
        *(convolution(64, 128, 4, 2, 16, bias=False), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8, bias=False), norm(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4, bias=False), norm(512), LEAKY),
        ("Linear", 8192, 1, True),
    ]
    convolutions = 16 * sum(a * b for a, b in pairwise((3, 64, 128, 256, 512)))
    assert parameters(critic) == convolutions + 2 * (64 + 128 + 256 + 512) + 8193 == 2_765_697


def test_report_b_s_critic_without_the_first_norm_is_dcgan_s() -> None:
    expected = lines_of(gk.networks.DCGANCritic(), torch.empty(2, 3, 64, 64))
    assert lines_of(report_b(norm_first=False)["critic"], torch.empty(2, 3, 64, 64)) == expected


@pytest.mark.parametrize(("generator", "critic"), [("relu", "leaky"), ("leaky", "relu"), ("relu", "relu")])
def test_report_b_s_activations_are_chosen_for_each_network(generator: str, critic: str) -> None:
    networks = report_b(generator_activation=generator, critic_activation=critic)
    lines = {"leaky": LEAKY, "relu": RELU}
    for name, chosen, inputs in (("generator", generator, (2, 100)), ("critic", critic, (2, 3, 64, 64))):
        found = lines_of(networks[name], torch.empty(inputs))
        assert [line for line in found if line in lines.values()] == [lines[chosen]] * 4


def test_report_b_starts_as_dcgan() -> None:
    for network in report_b(upsampled=True).values():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
                assert layer.bias is None or not layer.bias.any()
                weight, mean = layer.weight.detach(), float(isinstance(layer, nn.BatchNorm2d))
                error = 5 * 0.02 / weight.numel() ** 0.5
                assert abs(float(weight.mean()) - mean) < error
                assert abs(float(weight.std()) - 0.02) < error


def block(channels: int, side: int, *, normed: bool) -> list[Line]:
    """A residual block of two 3x3 convolutions: with norms around a ReLU, or with leaky ReLU after each."""
    one = convolution(channels, channels, 3, 1, side)
    return [one, norm(channels), RELU, one, norm(channels)] if normed else [one, LEAKY, one, LEAKY]


@pytest.mark.parametrize(
    ("recipe", "name", "channels"), [("gray_then_color", "gray", 1), ("srresnet_acgan", "generator", 3)]
)
def test_report_b_s_generators_are_srresnet(recipe: str, name: str, channels: int) -> None:
    generator = report_b(recipe)[name]
    assert lines_of(generator, torch.empty(2, 128), torch.empty(2, 23)) == [
        *(("Linear", 128 + 23, 64 * 8 * 8, True), norm(64), RELU),
        *(block(64, 8, normed=True) * 16),
        *(norm(64), RELU),
        *(convolution(64, 256, 3, 1, 8), norm(64), RELU),
        *(convolution(64, 256, 3, 1, 16), norm(64), RELU),
        *(convolution(64, 256, 3, 1, 32), norm(64), RELU),
        *(convolution(64, channels, 9, 1, 64), ("Tanh",)),
    ]


@pytest.mark.parametrize(
    ("recipe", "name", "channels"), [("gray_then_color", "gray critic", 1), ("srresnet_acgan", "critic", 3)]
)
def test_report_b_s_critics_have_residual_blocks_without_norms(recipe: str, name: str, channels: int) -> None:
    critic = report_b(recipe)[name]
    stages = [
        line
        for channels, side in ((32, 32), (64, 16), (128, 8), (256, 4))
        for line in (
            *(block(channels, side, normed=False) * 2),
            *(convolution(channels, 2 * channels, 4, 2, side // 2), LEAKY),
        )
    ]
    assert lines_of(critic, torch.empty(2, channels, 64, 64)) == [
        *(convolution(channels, 32, 4, 2, 32), LEAKY),
        *stages,
        ("Linear", 512 * 2 * 2, 1, True),
        ("Linear", 512 * 2 * 2, 23, True),
    ]


def test_report_b_s_residual_blocks_may_have_their_activations_first() -> None:
    networks = report_b("srresnet_acgan", pre_activation=True, blocks=2)
    normed = [norm(64), RELU, convolution(64, 64, 3, 1, 8)]
    assert lines_of(networks["generator"], torch.empty(2, 128), torch.empty(2, 23))[:17] == [
        *(("Linear", 128 + 23, 64 * 8 * 8, True), norm(64), RELU),
        *(normed * 2 * 2),
        *(norm(64), RELU),
    ]
    stages: list[Line] = []
    for channels, side in ((32, 32), (64, 16), (128, 8), (256, 4)):
        stages += [LEAKY, convolution(channels, channels, 3, 1, side)] * 4
        stages += [LEAKY, convolution(channels, 2 * channels, 4, 2, side // 2)]
    assert lines_of(networks["critic"], torch.empty(2, 3, 64, 64)) == [
        convolution(3, 32, 4, 2, 32),
        *stages,
        *(LEAKY, ("Linear", 512 * 2 * 2, 1, True), ("Linear", 512 * 2 * 2, 23, True)),
    ]


def test_report_b_s_colorizer_is_the_u_net_of_pix2pix() -> None:
    color = report_b("gray_then_color")["color"]
    assert lines_of(color, torch.empty(2, 1, 64, 64), torch.empty(2, 23)) == [
        convolution(1, 64, 4, 2, 32),
        *(LEAKY, convolution(64, 128, 4, 2, 16, bias=False), norm(128)),
        *(LEAKY, convolution(128, 256, 4, 2, 8, bias=False), norm(256)),
        *(LEAKY, convolution(256, 512, 4, 2, 4, bias=False), norm(512)),
        *(LEAKY, convolution(512, 512, 4, 2, 2, bias=False), norm(512)),
        *(LEAKY, convolution(512, 512, 4, 2, 1)),
        *(RELU, doubling(512 + 23, 512, 2, bias=False), norm(512)),
        *(RELU, doubling(1024, 512, 4, bias=False), norm(512)),
        *(RELU, doubling(1024, 256, 8, bias=False), norm(256)),
        *(RELU, doubling(512, 128, 16, bias=False), norm(128)),
        *(RELU, doubling(256, 64, 32, bias=False), norm(64)),
        *(RELU, doubling(128, 3, 64), ("Tanh",)),
    ]


def test_report_b_s_critic_of_colors_sees_gray_picture_and_tags() -> None:
    critic = report_b("gray_then_color")["color critic"]
    assert lines_of(critic, torch.empty(2, 1, 64, 64), torch.empty(2, 3, 64, 64), torch.empty(2, 23)) == [
        *(convolution(1 + 3 + 23, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16), norm(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8), norm(256), LEAKY),
        *(("Conv2d", 256, 512, 4, 1, 1, True, 7), norm(512), LEAKY),
        ("Conv2d", 512, 1, 4, 1, 1, True, 6),
    ]


def report_c(*, literal: bool = True) -> Mapping[str, nn.Module]:
    return assembled("tags_wgan_gp", FACES, steps=1, literal=literal).networks


def shift(channels: int) -> Line:
    """The batch norm of TensorFlow's layers: no gain, and its own epsilon."""
    return ("BatchNorm2d", channels, 1e-3, 0.1, False)


def test_report_c_s_generator() -> None:
    generator = report_c()["generator"]
    assert lines_of(generator, torch.empty(2, 100), torch.empty(2, 23)) == [
        *(("Linear", 100 + 23, 1024 * 4 * 4, True), shift(1024), RELU),
        *(doubling(1024, 512, 8), shift(512), RELU),
        *(doubling(512, 256, 16), shift(256), RELU),
        *(doubling(256, 128, 32), shift(128), RELU),
        *(doubling(128, 3, 64), ("Tanh",)),
    ]
    transposed = sum(16 * a * b + b for a, b in ((1024, 512), (512, 256), (256, 128), (128, 3)))
    assert parameters(generator) == 124 * 16384 + transposed + 1024 + 512 + 256 + 128 == 13_050_627


def test_report_c_s_critic() -> None:
    critic = report_c()["critic"]
    assert lines_of(critic, torch.empty(2, 3, 64, 64), torch.empty(2, 23)) == [
        *(convolution(3, 64, 4, 2, 32), LEAKY),
        *(convolution(64, 128, 4, 2, 16), shift(128), LEAKY),
        *(convolution(128, 256, 4, 2, 8), shift(256), LEAKY),
        *(convolution(256, 512, 4, 2, 4), shift(512), LEAKY),
        ("Linear", (512 + 23) * 4 * 4, 1, True),
    ]
    convolutions = sum(16 * a * b + b for a, b in ((3, 64), (64, 128), (128, 256), (256, 512)))
    assert parameters(critic) == convolutions + 128 + 256 + 512 + 8561 == 2_766_001


@pytest.mark.parametrize("name", ["generator", "critic"])
def test_report_c_starts_as_its_program(name: str) -> None:
    for layer in report_c()[name].modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            assert layer.bias is not None
            assert not layer.bias.any()
            if isinstance(layer, nn.Linear):
                bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
                assert 0.98 * bound < float(layer.weight.detach().abs().max()) <= bound
            elif layer.weight.numel() > 10_000:
                assert 0.019 < float(layer.weight.detach().std()) < 0.021
                assert abs(float(layer.weight.detach().mean())) < 1e-3


def test_report_c_draws_with_the_statistics_of_the_batch_where_it_is_literal() -> None:
    latents, tags = torch.randn(5, 100), torch.zeros(5, 23)
    literal, corrected = report_c()["generator"].eval(), report_c(literal=False)["generator"].eval()
    assert not torch.allclose(literal(latents, tags)[:2], literal(latents[:2], tags[:2]))
    torch.testing.assert_close(corrected(latents, tags)[:2], corrected(latents[:2], tags[:2]))
