"""Users' mistakes with networks, and the messages that name them."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit import networks
from gankit.embedders import LabelEmbedder, OneHotEmbedder
from gankit.networks import (
    DCGANCritic,
    DCGANGenerator,
    JoinedCritic,
    MakeGirlsMoeCritic,
    MakeGirlsMoeGenerator,
    PatchGANCritic,
    R3GANCritic,
    R3GANGenerator,
    ResidualCritic,
    ResidualGenerator,
    StarGANGenerator,
    UNetColorizer,
)
from gankit.networks._arguments import count_doublings

SMALL: dict[str, Any] = {"resolution": 8, "width": 2}
GENERATORS = (DCGANGenerator, ResidualGenerator)
CRITICS = (DCGANCritic, ResidualCritic)


@given(base=st.integers(1, 12), doublings=st.integers(1, 8))
def test_doublings_are_counted(base: int, doublings: int) -> None:
    assert count_doublings(base * 2**doublings, base) == doublings


@given(resolution=st.integers(1, 300), base=st.integers(1, 12))
def test_every_other_resolution_is_refused_with_its_neighbors(resolution: int, base: int) -> None:
    fitting = [base * 2**k for k in range(1, 12)]
    if resolution in fitting:
        return
    with pytest.raises(ValueError, match="resolution must be base") as caught:
        count_doublings(resolution, base)
    near = [max((f for f in fitting if f < resolution), default=None), min(f for f in fitting if f > resolution)]
    wanted = " or ".join(str(f) for f in near if f is not None)
    assert str(caught.value).split(";")[0].endswith(f"got {resolution} with base={base}: the nearest are {wanted}")


def test_the_message_names_the_bases_that_fit() -> None:
    with pytest.raises(ValueError, match=r"the nearest are 64 or 128; 96 is possible with base 3 or 6$"):
        DCGANGenerator(resolution=96)
    with pytest.raises(ValueError, match=r"the nearest are 64 or 128; 80 is possible with base 5$"):
        ResidualCritic(resolution=80)
    with pytest.raises(ValueError, match=r"the nearest are 64 or 128$"):
        DCGANCritic(resolution=100)


def expect(message: str, mistake: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        mistake()


@pytest.mark.parametrize("make", [*GENERATORS, *CRITICS])
def test_sizes_and_layers(make: Callable[..., nn.Module]) -> None:
    expect("resolution must be at least 1, got 0", lambda: make(resolution=0))
    expect("base must be at least 1, got 0", lambda: make(resolution=8, base=0))
    expect("resolution must be a whole number, got 64.0", lambda: make(resolution=64.0))
    expect("width must be at least 1, got 0", lambda: make(resolution=8, width=0))
    expect("image_channels must be at least 1, got 0", lambda: make(**SMALL, image_channels=0))
    expect("norm must be a callable", lambda: make(**SMALL, norm=nn.BatchNorm2d(4)))
    expect("activation must be a callable", lambda: make(**SMALL, activation=None))


@pytest.mark.parametrize("make", [ResidualGenerator, ResidualCritic])
def test_residual_networks_refuse_activations_in_place(make: Callable[..., nn.Module]) -> None:
    expect("activation must not work in place", lambda: make(**SMALL, activation=partial(nn.ReLU, inplace=True)))


def is_network(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, nn.Module)


@pytest.mark.parametrize("make", [one for one in vars(networks).values() if is_network(one)])
def test_every_size_is_a_whole_number_of_its_range(make: Callable[..., nn.Module]) -> None:
    options = inspect.signature(make).parameters
    given: dict[str, Any] = {} if "embedder" not in options else {"embedder": OneHotEmbedder(3)}
    for name in [name for name, option in options.items() if option.annotation is int]:
        for wrong in (-1, 2.5, True):
            expect(f"^{name} must be .* got {wrong}", lambda name=name, wrong=wrong: make(**given, **{name: wrong}))


@pytest.mark.parametrize("make", GENERATORS)
def test_generators(make: Callable[..., nn.Module]) -> None:
    plain = make(**SMALL, latent_features=5)
    conditional = make(**SMALL, latent_features=5, embedder=OneHotEmbedder((3, 2)))
    latents, labels = torch.randn(2, 5), torch.tensor([[0, 1], [2, 0]])
    expect("latent_features must be at least 1, got 0", lambda: make(**SMALL, latent_features=0))
    expect("output must be a callable", lambda: make(**SMALL, output=nn.Tanh()))
    expect(r"latents must have shape \(n, 5\), got \(2, 10\)", lambda: plain(latents.repeat(1, 2)))
    expect(r"latents must have shape \(n, 5\), got \(2, 5, 1, 1\)", lambda: plain(latents[:, :, None, None]))
    expect("latents must not be empty", lambda: plain(latents[:0]))
    expect("latents must be a floating-point tensor", lambda: plain(latents.long()))
    expect(r"labels must be left out: .* got shape \(2, 2\)", lambda: plain(latents, labels))
    expect("labels must be given", lambda: conditional(latents))
    expect(r"labels must give one vector per sample, \(2, 5\), got \(1, 5\)", lambda: conditional(latents, labels[:1]))
    expect(
        "labels must lie in 0..2 for attribute 0, got 3", lambda: conditional(latents, labels + torch.tensor([3, 0]))
    )


@pytest.mark.parametrize("make", CRITICS)
def test_critics(make: Callable[..., nn.Module]) -> None:
    plain = make(**SMALL)
    conditional = make(**SMALL, embedder=OneHotEmbedder((3, 2)))
    images, labels = torch.randn(2, 3, 8, 8), torch.tensor([[0, 1], [2, 0]])
    expect("num_classes must be at least 1, got 0", lambda: make(**SMALL, num_classes=(3, 0)))
    expect("num_classes must be at least 1, got 0", lambda: make(**SMALL, num_classes=0))
    expect(r"images must have shape \(n, 3, 8, 8\), got \(2, 3, 16, 8\)", lambda: plain(images.repeat(1, 1, 2, 1)))
    expect(r"images must have shape \(n, 3, 8, 8\), got \(3, 8, 8\)", lambda: plain(images[0]))
    expect("images must not be empty", lambda: plain(images[:0]))
    expect("images must be a floating-point tensor", lambda: plain(images.byte()))
    expect("labels must be left out", lambda: plain(images, labels))
    expect("labels must be given", lambda: conditional(images))
    expect("labels must lie in 0..1 for attribute 1", lambda: conditional(images, labels + torch.tensor([0, 1])))


def test_a_residual_generator_must_not_ignore_its_labels() -> None:
    expect(
        r"norm must build layers that take the condition, .* got BatchNorm2d",
        lambda: ResidualGenerator(**SMALL, embedder=OneHotEmbedder(3), norm=nn.BatchNorm2d),
    )


def test_gray_images_and_another_range() -> None:
    images = DCGANGenerator(**SMALL, image_channels=1, output=nn.Sigmoid)(torch.randn(4, 100))
    assert images.shape == (4, 1, 8, 8)
    assert (images > 0).all()
    assert (images < 1).all()


def test_only_convolutions_without_a_norm_after_them_have_a_bias() -> None:
    def biases(network: nn.Module) -> list[bool]:
        kinds = nn.Conv2d | nn.ConvTranspose2d
        return [layer.bias is not None for layer in network.modules() if isinstance(layer, kinds)]

    assert biases(DCGANGenerator(resolution=16, width=2)) == [False, True]
    assert biases(DCGANGenerator(resolution=16, width=2, norm=nn.Identity)) == [True, True]
    assert DCGANGenerator(resolution=16, width=2).stem.bias is None
    assert DCGANGenerator(resolution=16, width=2, norm=nn.Identity).stem.bias is not None
    assert biases(DCGANCritic(resolution=16, width=2)) == [True, False]
    assert biases(DCGANCritic(resolution=16, width=2, norm=nn.Identity)) == [True, True]


def test_the_condition_reaches_every_network() -> None:
    labels, other = torch.tensor([[0, 1], [2, 0]]), torch.tensor([[1, 0], [0, 1]])
    for make in GENERATORS:
        torch.manual_seed(1)
        network = make(**SMALL, latent_features=5, embedder=OneHotEmbedder((3, 2))).eval()
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.5)
        latents = torch.randn(2, 5)
        assert not torch.allclose(network(latents, labels), network(latents, other))
    for make in CRITICS:
        critic = make(**SMALL, embedder=OneHotEmbedder((3, 2))).eval()
        images = torch.randn(2, 3, 8, 8)
        assert not torch.allclose(critic(images, labels), critic(images, other))


WITH_EMBEDDER: dict[str, Callable[..., nn.Module]] = {
    "dcgan generator": DCGANGenerator,
    "dcgan critic": DCGANCritic,
    "residual generator": ResidualGenerator,
    "residual critic": ResidualCritic,
    "joined critic": JoinedCritic,
    "make girls moe": MakeGirlsMoeGenerator,
    "stargan": StarGANGenerator,
    "unet": UNetColorizer,
    "r3gan generator": R3GANGenerator,
    "r3gan critic": R3GANCritic,
}


@pytest.mark.parametrize("name", WITH_EMBEDDER)
@pytest.mark.parametrize("wrong", [23, OneHotEmbedder, nn.ReLU()])
def test_objects_that_are_not_embedders(name: str, wrong: object) -> None:
    expect("embedder must turn labels into vectors .*, got", lambda: WITH_EMBEDDER[name](embedder=wrong))


@pytest.mark.parametrize("make", [*GENERATORS, *CRITICS])
def test_a_condition_may_be_one_number(make: Callable[..., nn.Module]) -> None:
    network = make(**SMALL, embedder=LabelEmbedder(3, 1))
    inputs = torch.randn(2, 100 if make is DCGANGenerator else 128) if make in GENERATORS else torch.randn(2, 3, 8, 8)
    assert len(network(inputs, torch.tensor([[0], [2]]))) == 2


@pytest.mark.parametrize("make", [JoinedCritic, StarGANGenerator])
def test_networks_that_need_an_embedder(make: Callable[..., nn.Module]) -> None:
    expect("embedder must turn labels into vectors .*, got None", lambda: make(embedder=None))


@pytest.mark.parametrize("wrong", [None, 2.0])
@pytest.mark.parametrize("make", [*CRITICS, MakeGirlsMoeCritic])
def test_numbers_of_classes(make: Callable[..., nn.Module], wrong: object) -> None:
    expect(f"num_classes must be a whole number or a sequence of them, got {wrong}", lambda: make(num_classes=wrong))


@pytest.mark.parametrize("wrong", [768, {16, 24}], ids=str)
@pytest.mark.parametrize("make", [R3GANGenerator, R3GANCritic])
def test_widths_are_a_sequence(make: Callable[..., nn.Module], wrong: object) -> None:
    expect("widths must be a sequence of whole numbers, one per stage, got", lambda: make(widths=wrong))


def test_labels_without_an_embedder_may_be_anything() -> None:
    network: Any = DCGANGenerator(**SMALL)
    expect(r"labels must be left out: .* got \[1, 2\]", lambda: network(torch.randn(2, 100), [1, 2]))


@pytest.mark.parametrize(
    ("make", "part"),
    [
        *((make, "activation") for make in (*GENERATORS, *CRITICS, JoinedCritic, PatchGANCritic)),
        (MakeGirlsMoeGenerator, "output"),
        (UNetColorizer, "output"),
    ],
)
def test_callables_that_do_not_build_a_layer(make: Callable[..., nn.Module], part: str) -> None:
    options: dict[str, Any] = {"embedder": OneHotEmbedder(3)} if make is JoinedCritic else {}
    expect(
        "norm must build a torch.nn.Module, .* which gives None", lambda: make(**options, norm=lambda channels: None)
    )
    expect(rf"{part} must be .* tanh\(\) missing", lambda: make(**options, **{part: torch.tanh}))
