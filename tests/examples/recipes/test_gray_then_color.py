"""Two generators: the losses of both pairs, what each update changes, and when drawn gray pictures are colored."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.gray_then_color.networks import ColorCritic
from examples.anime_faces.systems import Training, luminance

TAGS = 23
entropy = functional.binary_cross_entropy_with_logits


def build(**options: Any) -> Training:
    training = assembled("gray_then_color", FACES, **{"width": 4, "blocks": 1, "batch_size": 5, **options})
    for network in training.networks.values():
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.eval()  # so that coloring the same picture again gives the same
    return training


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.fixture
def tags() -> torch.Tensor:
    return torch.randint(2, (5, TAGS), generator=torch.Generator().manual_seed(4)).float()


def drawn(training: Training, tags: torch.Tensor) -> torch.Tensor:
    """The gray pictures that the next update draws, if the random numbers are those of now."""
    with torch.no_grad():
        return training.networks["gray"](torch.randn(len(tags), 128), tags)


def updated(training: Training, name: str, *batch: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return training.updates[name](*batch)


def test_settings() -> None:
    training = build()
    assert training.system.schedule(0) == gk.schedules.Round(1)
    assert training.system.batch_size == 5
    for update in training.updates.values():
        group = update.optimizer.param_groups[0]
        assert type(update.optimizer) is torch.optim.Adam
        assert (group["lr"], group["betas"]) == (2e-4, (0.5, 0.999))
    rates = {update.optimizer.param_groups[0]["lr"] for update in build(learning_rate=1e-3).updates.values()}
    assert rates == {1e-3}


@pytest.mark.parametrize("penalty_weight", [0.5, 0.0, 3.0])
def test_losses_of_the_critic_of_gray_pictures(penalty_weight: float, images: torch.Tensor, tags: torch.Tensor) -> None:
    training = build(penalty_weight=penalty_weight)
    critic = training.networks["gray critic"]
    torch.manual_seed(1)
    fakes = drawn(training, tags)
    penalty = gk.constraints.dragan_penalty(lambda points: critic(points).scores, luminance(images)).detach()
    with torch.no_grad():
        real, fake = critic(luminance(images)), critic(fakes)
    logged = updated(training, "critic/gray", images, tags)
    scores = entropy(real.scores, torch.ones(5)) + entropy(fake.scores, torch.zeros(5))
    torch.testing.assert_close(logged["score"], TAGS * scores)
    torch.testing.assert_close(logged["tags"], TAGS * entropy(real.classes[0], tags))  # summed over tags
    torch.testing.assert_close(logged["penalty"], penalty_weight * penalty)
    torch.testing.assert_close(logged["scores/real"], real.scores.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.scores.mean())


def test_losses_of_the_gray_generator(images: torch.Tensor, tags: torch.Tensor) -> None:
    training = build()
    torch.manual_seed(1)
    with torch.no_grad():
        output = training.networks["gray critic"](drawn(training, tags))
    logged = updated(training, "generator/gray", images, tags)
    torch.testing.assert_close(logged["score"], TAGS * entropy(output.scores, torch.ones(5)))
    torch.testing.assert_close(logged["tags"], TAGS * entropy(output.classes[0], tags))


@pytest.mark.parametrize("kind", ["real", "generated"])
def test_losses_of_the_pair_that_colors(kind: str, images: torch.Tensor, tags: torch.Tensor) -> None:
    training = build(pixel_weight=7.0)
    color, critic = training.networks["color"], training.networks["color critic"]
    grays = luminance(images)
    torch.manual_seed(1)
    to_color = grays if kind == "real" else drawn(training, tags)
    with torch.no_grad():
        colored = color(to_color, tags)
        real, fake = critic(grays, images, tags), critic(to_color, colored, tags)
        pixels = (color(grays, tags) - images).abs().mean()
    logged = updated(training, f"critic/color/{kind}", images, tags)
    expected = entropy(real, torch.ones_like(real)) + entropy(fake, torch.zeros_like(fake))
    torch.testing.assert_close(logged["score"], expected)
    torch.testing.assert_close(logged["scores/real in color"], real.mean())
    torch.testing.assert_close(logged["scores/fake in color"], fake.mean())
    with torch.no_grad():
        fake = critic(to_color, colored, tags)
    logged = updated(training, f"generator/color/{kind}", images, tags)
    torch.testing.assert_close(logged["score"], entropy(fake, torch.ones_like(fake)))
    torch.testing.assert_close(logged["pixels"], 7.0 * pixels)


@pytest.mark.parametrize(
    ("share", "kinds"),
    [
        (0.25, ["real"] * 6 + ["generated"] * 2),
        (0.5, ["real"] * 4 + ["generated"] * 4),
        (0.0, ["real"] * 8),
        (1.0, ["generated"] * 8),
    ],
)
def test_drawn_gray_pictures_are_colored_at_the_end_of_the_run(share: float, kinds: list[str]) -> None:
    training = build(steps=8, fine_tuned_share=share)
    for player in ("critic", "generator"):
        turn = training.players[player]["color"].side.turn
        assert turn is not None
        assert [turn(step) for step in range(8)] == kinds


@pytest.mark.parametrize(
    ("update", "network"),
    [
        ("critic/gray", "gray critic"),
        ("critic/color/real", "color critic"),
        ("critic/color/generated", "color critic"),
        ("generator/gray", "gray"),
        ("generator/color/real", "color"),
        ("generator/color/generated", "color"),
    ],
)
def test_an_update_changes_the_weights_of_one_network(
    update: str, network: str, images: torch.Tensor, tags: torch.Tensor
) -> None:
    training = build()
    before = {name: [one.clone() for one in net.parameters()] for name, net in training.networks.items()}
    training.updates[update](images, tags)
    changed = {
        name
        for name, net in training.networks.items()
        if any(not torch.equal(old, new) for old, new in zip(before[name], net.parameters(), strict=True))
    }
    assert changed == {network}


def test_a_picture_is_drawn_gray_and_then_colored(tags: torch.Tensor) -> None:
    training = build()
    networks = {name: training.networks[name].eval() for name in training.blueprint.drawing}
    assert list(networks) == ["gray", "color"]
    latents = torch.randn(5, 128)
    with torch.no_grad():
        pictures = training.blueprint.draw(networks, latents, tags)
        grays = networks["gray"](latents, tags)
        assert grays.shape == (5, 1, 32, 32)
        assert torch.equal(pictures, networks["color"](grays, tags))
        other = training.blueprint.draw(networks, latents, 1 - tags)
    assert not torch.equal(pictures, other)


def test_every_network_sees_the_tags(images: torch.Tensor, tags: torch.Tensor) -> None:
    networks = {name: network.eval() for name, network in build().networks.items()}
    calls: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "gray": lambda some: networks["gray"](torch.ones(5, 128), some),
        "color": lambda some: networks["color"](luminance(images), some),
        "color critic": lambda some: networks["color critic"](luminance(images), images, some),
    }
    for name, call in calls.items():
        assert not torch.equal(call(tags), call(1 - tags)), name
    assert [len(head[0]) for head in networks["gray critic"](luminance(images)).classes] == [TAGS]


@pytest.mark.parametrize("size", [8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 96, 128])
def test_other_sizes(size: int) -> None:
    training = assembled("gray_then_color", replace(FACES, size=size), width=2, blocks=1)
    tags = torch.zeros(2, TAGS)
    pictures = training.blueprint.draw(training.networks, torch.randn(2, 128), tags)
    assert pictures.shape == (2, 3, size, size)
    assert training.networks["gray critic"](luminance(pictures)).scores.shape == (2,)
    assert training.networks["color critic"](luminance(pictures), pictures, tags).shape[:2] == (2, 1)


def test_sizes_that_cannot_be_halved_twice_are_refused() -> None:
    with pytest.raises(ValueError, match=r"size must be divisible by 4, .* but it is 14"):
        assembled("gray_then_color", replace(FACES, size=14))


@pytest.mark.parametrize(("size", "side"), [(64, 6), (32, 2), (16, 2), (8, 2)])
def test_patches_fit_into_small_pictures(size: int, side: int) -> None:
    critic = ColorCritic(size=size, tags=2, width=2)
    scores = critic(torch.zeros(1, 1, size, size), torch.zeros(1, 3, size, size), torch.zeros(1, 2))
    assert scores.shape == (1, 1, side, side)


@pytest.mark.parametrize(("size", "width"), [(64, 64), (64, 8), (32, 16), (32, 4)])
def test_the_critic_of_gray_pictures_passes_its_signal_on_at_every_width(size: int, width: int) -> None:
    """Scores and slopes of a new critic are of the order of 1, whatever its width."""
    torch.manual_seed(2)
    critic = assembled("gray_then_color", replace(FACES, size=size), width=width, blocks=1).networks["gray critic"]
    grays = (torch.rand(6, 1, size, size) * 2 - 1).requires_grad_()
    scores = critic(grays).scores
    (slopes,) = torch.autograd.grad(scores.sum(), grays)
    assert 0.2 < float(scores.detach().std()) < 20
    assert 0.5 < float(slopes.flatten(1).norm(dim=1).mean()) < 50


def test_width_and_blocks_set_the_size_of_the_networks() -> None:
    def numbers(**options: int) -> dict[str, int]:
        networks = build(**options).networks
        return {name: sum(one.numel() for one in network.parameters()) for name, network in networks.items()}

    plain, wide, deep = numbers(), numbers(width=8), numbers(blocks=3)
    assert all(wide[name] > plain[name] for name in plain)
    assert {name for name in plain if deep[name] != plain[name]} == {"gray"}
