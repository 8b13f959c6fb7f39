"""Published files: they are loaded, draw as the authors' program does, and what does not fit is refused by name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from support.stargan_files import published_critic, published_generator
from torch import nn

from examples.anime_faces.transfer import changer_of_weights

State = dict[str, torch.Tensor]


def saved(path: Path, state: Any) -> Path:
    torch.save(state, path)
    return path


class Residual(nn.Module):
    """As in the authors' program."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv2d(channels, channels, 3, 1, 1, bias=False), norm(channels), nn.ReLU()]
        self.main = nn.Sequential(*layers[:-1])

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + self.main(maps)


norm = partial(nn.InstanceNorm2d, affine=True, track_running_stats=True)


class Original(nn.Module):
    """The authors' generator, layer for layer; their norms track statistics and are used in training mode."""

    def __init__(self, entries: int, width: int, blocks: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3 + entries, width, 7, 1, 3, bias=False), norm(width), nn.ReLU()]
        for narrow in (width, 2 * width):
            layers += [nn.Conv2d(narrow, 2 * narrow, 4, 2, 1, bias=False), norm(2 * narrow), nn.ReLU()]
        layers += [Residual(4 * width) for _ in range(blocks)]
        for wide in (4 * width, 2 * width):
            layers += [nn.ConvTranspose2d(wide, wide // 2, 4, 2, 1, bias=False), norm(wide // 2), nn.ReLU()]
        self.main = nn.Sequential(*layers, nn.Conv2d(width, 3, 7, 1, 3, bias=False), nn.Tanh())

    def forward(self, images: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        planes = vectors[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return self.main(torch.cat([images, planes], dim=1))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_pictures_are_those_of_the_authors_program_in_training_mode(prefix: str, tmp_path: Path) -> None:
    state = published_generator()
    changer = changer_of_weights(saved(tmp_path / "1-G.ckpt", {f"{prefix}{name}": one for name, one in state.items()}))
    original = Original(5, 4, 2)
    original.load_state_dict(state, strict=False)
    rng = torch.Generator().manual_seed(1)
    images, vectors = torch.rand(3, 3, 16, 16, generator=rng) * 2 - 1, torch.eye(5)[:3]
    with torch.no_grad():
        expected = original.train()(images, vectors)
        evaluated = original.eval()(images, vectors)
    assert float((expected - evaluated).abs().max()) > 0.5  # running statistics give other pictures
    drawn = changer.drawer.draw(images, vectors).float() / 127.5 - 1
    assert float((drawn - expected).abs().max()) < 0.005
    assert changer.size == 128
    assert changer.critic is None
    assert changer.vector.names == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
    assert changer.vector.groups == ((0, 1, 2), (3,), (4,))


def test_what_the_numbers_mean(tmp_path: Path) -> None:
    faces = changer_of_weights(saved(tmp_path / "8-G.ckpt", published_generator(8)))
    assert faces.vector.names[:2] == ("angry", "contemptuous")
    assert faces.vector.groups == (tuple(range(8)),)
    path = saved(tmp_path / "2-G.ckpt", published_generator(2))
    assert changer_of_weights(path, attributes=["Smile", "Hat"]).vector.names == ("Smile", "Hat")
    with pytest.raises(
        ValueError, match=r"--attributes must name the 2 attributes of --weights .*2-G\.ckpt, as in A,B"
    ):
        changer_of_weights(path)
    for names in (["Smile"], ["Hat", "Hat"]):
        with pytest.raises(ValueError, match=r"must name the 2 attributes .* each once, but they are"):
            changer_of_weights(path, attributes=names)


def test_the_critic_beside_the_weights_knows_the_size(tmp_path: Path) -> None:
    weights = saved(tmp_path / "1-G.ckpt", published_generator())
    critic = saved(tmp_path / "1-D.ckpt", published_critic())
    changer = changer_of_weights(weights, critic=critic)
    assert changer.size == 16
    assert changer.critic is not None
    assert changer.critic(torch.zeros(1, 3, 16, 16)).classes[0].shape == (1, 5)
    with pytest.raises(ValueError, match="--size must be that of --critic, 16, but it is 32"):
        changer_of_weights(weights, critic=critic, size=32)
    assert changer_of_weights(weights, size=32).size == 32
    with pytest.raises(ValueError, match=r"--size must be divisible by 4, .* but it is 30"):
        changer_of_weights(weights, size=30)
    other = saved(tmp_path / "8-D.ckpt", published_critic(8))
    with pytest.raises(ValueError, match=r"--critic .*8-D\.ckpt predicts 8 numbers, but the vector of --weights has 5"):
        changer_of_weights(weights, critic=other)
    with pytest.raises(ValueError, match=r"--critic .*1-G\.ckpt holds no critic of StarGAN"):
        changer_of_weights(weights, critic=weights)


def without(state: State, name: str) -> State:
    return {other: one for other, one in state.items() if other != name}


MISTAKES: list[tuple[Callable[[State], Any], str]] = [
    (
        lambda state: without(state, "main.6.weight"),
        r"has no main\.6\.weight: it does not fit the published StarGANGen",
    ),
    (lambda state: state | {"more": torch.ones(1)}, "has the unknown more: it does not fit"),
    (
        lambda state: state | {"main.1.bias": torch.ones(7)},
        r"has main\.1\.bias of shape \(7,\), where the published StarGANGenerator has \(4,\)",
    ),
    (
        lambda state: state | {"main.4.bias": torch.full((8,), torch.nan)},
        r"has values in main\.4\.bias that are not fin",
    ),
    (lambda state: without(state, "main.0.weight"), r"holds no generator of StarGAN: main\.0\.weight must have"),
    (lambda _: published_critic(), r"holds no generator of StarGAN: it is a critic, give its \*-G\.ckpt"),
    (lambda state: {"state_dict": state}, "cannot be read as a file of weights alone: it must hold tensors by name"),
    (lambda _: [], "cannot be read as a file of weights alone: it must hold tensors by name"),
    (lambda _: nn.Linear(1, 1), "cannot be read as a file of weights alone: "),
]


@pytest.mark.parametrize(("change", "message"), MISTAKES)
def test_what_does_not_fit_is_refused(change: Callable[[State], Any], message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "1-G.ckpt", change(published_generator()))
    with pytest.raises(ValueError, match=rf"^--weights .*1-G\.ckpt {message}") as caught:
        changer_of_weights(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_hold_something_else(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not weights")
    for name, message in (("text", "cannot be read"), ("nothing", "does not exist"), (".", "is a folder")):
        with pytest.raises(ValueError, match=f"--weights .*{message}"):
            changer_of_weights(tmp_path / name)


def test_loading_leaves_the_random_numbers_of_the_process_alone(tmp_path: Path) -> None:
    path = saved(tmp_path / "1-G.ckpt", published_generator())
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    changer_of_weights(path)
    assert torch.equal(torch.rand(1), expected)


def test_numbers_that_old_files_lack_are_zeros_not_what_was_in_memory(tmp_path: Path) -> None:
    path = saved(tmp_path / "200000-G.ckpt", published_generator())
    state = changer_of_weights(path).drawer.networks["generator"].state_dict()
    counts = [one for name, one in state.items() if name.endswith("num_batches_tracked")]
    assert counts
    assert all(int(one) == 0 for one in counts)
