"""How the labels of report E reach its generator: embeddings joined to the noise, multiplied, or through norms."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.acgan.networks import AcganGenerator


def drawn_labels(count: int) -> torch.Tensor:
    return torch.stack([torch.randint(12, (count,)), torch.randint(11, (count,))], dim=1)


def generator_of(form: str, size: int = 64, width: int = 64) -> AcganGenerator:
    made = assembled("acgan", replace(FACES, size=size), width=width, embedding_form=form).networks["generator"]
    assert isinstance(made, AcganGenerator)
    return made


def tables_of(generator: AcganGenerator) -> list[nn.Embedding]:
    return [module for module in generator.embedder.modules() if isinstance(module, nn.Embedding)]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("form", "inputs", "embedding"),
    [("joined", 116, 8), ("product", 108, 8), ("noise_product", 100, 100), ("norms", 100, 8)],
)
def test_the_form_decides_what_enters_the_first_layer(form: str, inputs: int, embedding: int) -> None:
    generator = generator_of(form, width=2)
    assert generator.in_features == inputs
    first = generator.layers[0]
    assert isinstance(first, nn.ConvTranspose2d)
    assert first.in_channels == inputs
    assert [tuple(table.weight.shape) for table in tables_of(generator)] == [(12, embedding), (11, embedding)]
    joined = assembled("acgan", FACES, width=2, embedding=5, embedding_form=form).networks["generator"]
    assert isinstance(joined, AcganGenerator)
    assert {table.embedding_dim for table in tables_of(joined)} == {100 if form == "noise_product" else 5}


JOIN: dict[str, Callable[..., torch.Tensor]] = {
    "joined": lambda noise, hair, eyes: torch.cat([noise, hair, eyes], dim=1),
    "product": lambda noise, hair, eyes: torch.cat([noise, hair * eyes], dim=1),
    "noise_product": lambda noise, hair, eyes: noise * hair * eyes,
}


@pytest.mark.parametrize("form", JOIN)
def test_embeddings_are_joined_or_multiplied(form: str) -> None:
    generator = generator_of(form, size=32, width=4)
    latents, labels = torch.randn(5, 100), drawn_labels(5)
    vectors = [table(labels[:, index]) for index, table in enumerate(tables_of(generator))]
    expected = nn.Sequential(*generator.layers)(JOIN[form](latents, *vectors)[:, :, None, None])
    torch.testing.assert_close(generator(latents, labels), expected)


def test_a_product_with_noise_cannot_tell_opposite_embeddings_apart() -> None:
    """(z, -e) is (-z, e), and z is as likely as -z: why report E gave this form up."""
    generator, latents, labels = generator_of("noise_product", size=32, width=4), torch.randn(5, 100), drawn_labels(5)
    with torch.no_grad():
        mirrored = generator(-latents, labels)
        tables_of(generator)[0].weight.neg_()
        torch.testing.assert_close(generator(latents, labels), mirrored)


def test_norms_take_the_labels_of_noise_that_enters_alone() -> None:
    generator = generator_of("norms", width=4)
    norms = [layer for layer in generator.layers if isinstance(layer, gk.blocks.ConditionalBatchNorm2d)]
    assert [norm.num_features for norm in norms] == [32, 16, 8, 4, 4]
    assert {(norm.normalize.eps, norm.normalize.momentum) for norm in norms} == {(1e-3, 0.5)}
    assert {norm.condition_features for norm in norms} == {16}
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in generator.layers)
    latents = torch.randn(1, 100).repeat(5, 1)
    one = generator(latents, drawn_labels(5))
    torch.testing.assert_close(one, one[:1].expand_as(one))  # a plain norm at first
    training = assembled("acgan", FACES, width=4, batch_size=14, embedding_form="norms")
    for _ in range(2):
        training.updates["generator"](torch.rand(7, 3, 32, 32), drawn_labels(7))
    network = training.networks["generator"].eval()
    with torch.no_grad():
        pictures = network(latents, torch.tensor([[0, 0], [1, 0], [2, 0], [0, 1], [0, 2]]))
    assert len({tuple(picture.flatten().tolist()) for picture in pictures}) == 5


def test_weights_start_as_in_keras() -> None:
    """By Glorot's rule: embeddings normal, layers uniform, whose largest number is root 3 deviations; biases are 0."""
    for form, deviation in (("joined", (2 / (12 + 8)) ** 0.5), ("noise_product", (2 / (12 + 100)) ** 0.5)):
        drawn = torch.cat([tables_of(generator_of(form, width=2))[0].weight.detach().flatten() for _ in range(20)])
        assert float(drawn.std()) == pytest.approx(deviation, rel=0.1)
        assert float(drawn.abs().max()) > 2 * deviation
    training = assembled("acgan", FACES, width=8)
    convolutions = 0
    for network in training.networks.values():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
                bound = (6 / (fan_in + fan_out)) ** 0.5
                assert 0.95 * bound < float(layer.weight.detach().abs().max()) <= bound
                assert layer.bias is not None
                assert not layer.bias.any()
                convolutions += not isinstance(layer, nn.Linear)
    assert convolutions == 8
