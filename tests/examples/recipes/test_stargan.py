"""StarGAN: the losses of both networks, their layers and sizes, and that runs resume, draw and report."""

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.__main__ import main
from examples.anime_faces.data import BINARY_ATTRIBUTES
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.systems import Training

ENTRIES = 5
BINARY = replace(FACES, attributes=(*FACES.attributes, *BINARY_ATTRIBUTES[:2]), incomplete=(False,) * 4)


def build(**options: Any) -> Training:
    return assembled("stargan", BINARY, **{"width": 4, "blocks": 1, "batch_size": 5, **options})


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randint(2, (5, ENTRIES), generator=torch.Generator().manual_seed(4)).float()


def batch_of(training: Training, images: torch.Tensor, vectors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    assert training.system.prepare is not None
    return training.system.prepare((images, vectors))


def entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Summed over the vector, averaged over pictures."""
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / len(logits)


def test_settings() -> None:
    training = build()
    assert training.system.schedule(0) == gk.schedules.Round(5)
    assert training.system.batch_size == 5
    for update in training.updates.values():
        group = update.optimizer.param_groups[0]
        assert type(update.optimizer) is torch.optim.Adam
        assert (group["lr"], group["betas"]) == (1e-4, (0.5, 0.999))
    assert training.system.note == "changes black hair, brown hair, blonde hair, glasses, ribbon"


@pytest.mark.parametrize(
    ("options", "rates"),
    [
        ({}, [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        ({"decay_share": 0.25}, [1, 1, 1, 1, 1, 1, 1, 0.5]),
        ({"decay_share": 0.0}, [1] * 8),
        ({"decay_share": 1.0}, [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
    ],
)
def test_the_learning_rate_falls_in_the_second_half(options: dict[str, float], rates: list[float]) -> None:
    training = build(steps=8, learning_rate=2e-3, **options)
    for player in ("critic", "generator"):
        rate = training.players[player][""].side.learning_rate
        assert rate is not None
        assert [rate(step) for step in range(8)] == pytest.approx([2e-3 * share for share in rates])


def test_each_picture_is_changed_to_the_vector_of_another_one(images: torch.Tensor, vectors: torch.Tensor) -> None:
    training = build(mirrored=False)
    marked = vectors + torch.arange(5)[:, None]
    torch.manual_seed(0)
    same, own, wanted = batch_of(training, images, marked)
    assert torch.equal(same, images)
    assert torch.equal(own, marked)
    assert not torch.equal(wanted, marked)
    assert sorted(wanted[:, 0].tolist()) == sorted(marked[:, 0].tolist())


def test_pictures_are_mirrored_one_by_one(images: torch.Tensor, vectors: torch.Tensor) -> None:
    torch.manual_seed(0)
    shown = torch.cat([batch_of(build(), images, vectors)[0] for _ in range(8)])
    original = images.repeat(8, 1, 1, 1)
    kept = (shown == original).all(dim=(1, 2, 3))
    assert torch.equal(shown[~kept], original[~kept].flip(3))
    assert 10 < int(kept.sum()) < 30


@pytest.mark.parametrize("weights", [(1.0, 10.0), (0.0, 0.0), (3.0, 2.0)])
def test_losses_of_the_critic(weights: tuple[float, float], images: torch.Tensor, vectors: torch.Tensor) -> None:
    class_weight, penalty_weight = weights
    training = build(class_weight=class_weight, penalty_weight=penalty_weight)
    generator, critic = training.networks["generator"], training.networks["critic"]
    wanted = vectors.flip(0)
    with torch.no_grad():
        changed = generator(images, wanted)
        real, fake = critic(images), critic(changed)
    torch.manual_seed(1)
    mix = torch.rand(5, 1, 1, 1)
    points = (mix * images + (1 - mix) * changed).requires_grad_()
    (slopes,) = torch.autograd.grad(critic(points).scores.sum(), points)
    penalty = (slopes.flatten(1).norm(dim=1) - 1).square().mean()
    torch.manual_seed(1)
    logged = training.updates["critic"](images, vectors, wanted)
    torch.testing.assert_close(logged["score"], fake.scores.mean() - real.scores.mean())
    torch.testing.assert_close(logged["classes"], class_weight * entropy(real.classes[0], vectors))
    torch.testing.assert_close(logged["penalty"], penalty_weight * penalty)
    torch.testing.assert_close(logged["scores/real"], real.scores.mean())
    torch.testing.assert_close(logged["scores/fake"], fake.scores.mean())


@pytest.mark.parametrize("weights", [(1.0, 10.0), (0.0, 0.0), (3.0, 2.0)])
def test_losses_of_the_generator(weights: tuple[float, float], images: torch.Tensor, vectors: torch.Tensor) -> None:
    class_weight, cycle_weight = weights
    training = build(class_weight=class_weight, cycle_weight=cycle_weight)
    generator, critic = training.networks["generator"], training.networks["critic"]
    wanted = vectors.flip(0)
    with torch.no_grad():
        changed = generator(images, wanted)
        output, returned = critic(changed), generator(changed, vectors)
    logged = training.updates["generator"](images, vectors, wanted)
    torch.testing.assert_close(logged["score"], -output.scores.mean())
    torch.testing.assert_close(logged["classes"], class_weight * entropy(output.classes[0], wanted))
    torch.testing.assert_close(logged["cycle"], cycle_weight * (returned - images).abs().mean())


@pytest.mark.parametrize("name", ["critic", "generator"])
def test_an_update_changes_the_weights_of_one_network(name: str, images: torch.Tensor, vectors: torch.Tensor) -> None:
    training = build()
    before = {of: [one.clone() for one in net.parameters()] for of, net in training.networks.items()}
    training.updates[name](images, vectors, vectors.flip(0))
    changed = {
        of
        for of, net in training.networks.items()
        if any(not torch.equal(old, new) for old, new in zip(before[of], net.parameters(), strict=True))
    }
    assert changed == {name}


def test_at_128_the_networks_are_those_of_the_authors() -> None:
    celeba = replace(BINARY, size=128)
    with torch.device("meta"):
        makers = find_recipe("stargan").networks(celeba, find_options("stargan")()).makers
        numbers = {name: sum(one.numel() for one in make().parameters()) for name, make in makers.items()}
    assert numbers == {"generator": 8_430_528, "critic": 44_762_048}


@pytest.mark.parametrize(
    ("size", "side"), [(8, 2), (12, 3), (16, 2), (20, 5), (24, 3), (28, 7), (32, 2), (48, 3), (64, 2), (80, 5), (96, 3)]
)
def test_other_sizes(size: int, side: int) -> None:
    training = assembled("stargan", replace(FACES, size=size), width=1, blocks=1)
    changed = training.blueprint.draw(training.networks, torch.zeros(2, 3, size, size), torch.eye(3)[:2])
    assert changed.shape == (2, 3, size, size)
    output = training.networks["critic"](changed)
    assert output.scores.shape == (2, 1, side, side)
    assert output.classes[0].shape == (2, 3)


def test_sizes_that_cannot_be_halved_twice_are_refused() -> None:
    with pytest.raises(ValueError, match=r"size must be divisible by 4, .* but it is 14"):
        assembled("stargan", replace(FACES, size=14))


def test_the_vector_acts_although_the_norms_remove_what_is_constant(images: torch.Tensor) -> None:
    """Zeros around maps let it through; with reflected borders it would have no effect."""
    generator = build().networks["generator"].requires_grad_(requires_grad=False)
    none, some = torch.zeros(5, ENTRIES), torch.eye(ENTRIES)
    assert float((generator(images, none) - generator(images, some)).abs().max()) > 1e-3
    main = generator.get_submodule("main")
    assert isinstance(main, nn.Sequential)
    first = main[0]
    assert isinstance(first, nn.Conv2d)
    first.padding = (0, 0)
    main[0] = nn.Sequential(nn.ReflectionPad2d(3), first)
    torch.testing.assert_close(generator(images, none), generator(images, some))


def test_runs_resume_draw_and_report(labeled_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, capsys.readouterr().out

    def train(out: Path) -> tuple[int, str]:
        small = ("--steps", 4, "--threads", 1, "--precision", "float32", "--grid-every", 4)
        nets = ("--width", 2, "--blocks", 1, "--batch-size", 4, "--critic-steps", 2)
        code, said = run("train", "--recipe", "stargan", "--data", labeled_folder, "--out", out, *small, *nets)
        return code, next((line for line in said.splitlines() if line.startswith("digest")), "")

    whole, digest = train(tmp_path / "whole")
    original = Training.play

    def stopping(self: Training, step: int, batches: Any) -> dict[str, torch.Tensor]:
        if step == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, step, batches)

    with mock.patch.object(Training, "play", stopping):
        stopped, _ = train(tmp_path / "run")
    torch.manual_seed(99)
    assert (whole, stopped) == (0, 143)
    assert train(tmp_path / "run") == (0, digest)
    sheet = tmp_path / "sheet.png"
    assert run("sample", "brown hair glasses=yes", "--n", 2, "--run", tmp_path / "run", "--out", sheet)[0] == 0
    assert sheet.exists()
    assert run("sample", "blue hair", "--run", tmp_path / "run")[0] == 2
    assert run("report", tmp_path / "run")[0] == 0
    assert (tmp_path / "run" / "grids" / "step-0000004.png").exists()
