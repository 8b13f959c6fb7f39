"""Networks that draw: their mode, their inputs, a few at a time, and pixels."""

import pytest
import torch
from torch import nn

from examples.anime_faces.systems import Blueprint, Drawer
from examples.anime_faces.systems._drawing import to_pixels


class Plain(nn.Module):
    """Gives back its input, and remembers its mode and how much it got at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[bool, bool, int]] = []

    def forward(self, inputs: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        self.seen.append((self.training, torch.is_grad_enabled(), len(inputs)))
        return inputs if condition is None else inputs * condition[:, None, None, None]


def drawer(network: nn.Module, **more: object) -> Drawer:
    blueprint = Blueprint(**{"makers": {"generator": Plain}, "latents": None, **more})
    return Drawer(networks={"generator": network}, blueprint=blueprint, device="cpu")


def pictures(count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.rand(count, 3, 2, 2, generator=rng) * 2 - 1


def test_a_generator_that_changes_pictures_is_given_pictures_and_others_latents() -> None:
    given = drawer(Plain()).inputs(5, torch.Generator().manual_seed(1), pictures)
    assert torch.equal(given, pictures(5, torch.Generator().manual_seed(1)))
    noise = drawer(Plain(), latents=lambda count, *, rng: torch.rand(count, 7, generator=rng))

    def none(count: int, rng: torch.Generator) -> torch.Tensor:
        raise AssertionError(f"{count} pictures of {rng} are not needed")

    assert noise.inputs(5, torch.Generator(), none).shape == (5, 7)


def test_it_draws_in_evaluation_mode_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.systems._drawing.CHUNK", 2)
    network = Plain()
    inputs, condition = pictures(5, torch.Generator().manual_seed(2)), torch.linspace(0, 1, 5)
    drawn = drawer(network).draw(inputs, condition)
    assert network.seen == [(False, False, 2), (False, False, 2), (False, False, 1)]
    assert network.training
    assert torch.equal(drawn, to_pixels(inputs * condition[:, None, None, None]))
    drawer(network.eval()).draw(inputs, None)
    assert not network.training


def test_the_mode_is_put_back_after_an_error() -> None:
    network = Plain()
    with pytest.raises(IndexError):
        drawer(network).draw(pictures(2, torch.Generator()), torch.ones(()))
    assert network.training


class Noisy(nn.Module):
    """Draws random numbers itself."""

    def forward(self, inputs: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        del condition
        return inputs * torch.rand_like(inputs)


def test_what_networks_draw_themselves_follows_from_their_inputs_alone() -> None:
    inputs = torch.ones(3, 3, 8, 8)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    drawn = drawer(Noisy()).draw(inputs, None)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(drawer(Noisy()).draw(inputs, None), drawn)
    other = inputs.clone()
    other[0, 0, 0, 0] = 0.5
    assert not torch.equal(drawer(Noisy()).draw(other, None)[1:], drawn[1:])
    with pytest.raises(TypeError):
        drawer(Noisy()).draw(torch.ones(1, 3, 2, 2), 1.0)  # pyright: ignore[reportArgumentType]
    assert torch.equal(torch.get_rng_state(), torch.Generator().manual_seed(2).get_state())


def test_pixels_are_rounded() -> None:
    assert to_pixels(torch.tensor([-1.0, -0.999, 0.0, 0.996, 1.0, 1.5])).tolist() == [0, 0, 128, 254, 255, 255]
