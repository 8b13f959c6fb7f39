"""Several scales: separate critics, on pictures that get smaller step by step."""

import pytest
import torch
from blocks import oracles
from blocks.cases import fill_
from blocks.promises import check_copies, check_derivatives, check_inputs_stay
from hypothesis import given
from support.strategies import normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import ConditionedSequential, DepthConcatenation, MeanDownsample, MultiScale, PatchHead
from gankit.constraints import gradient_penalty
from gankit.losses import Hinge, critic_loss


def filled(critics: int = 3, seed: int = 4) -> MultiScale:
    network = MultiScale([PatchHead(2, kernel_size=3) for _ in range(critics)], MeanDownsample()).double()
    fill_(network, seed)
    return network


@given(seed=seeds)
def test_each_critic_sees_its_own_size(seed: int) -> None:
    network, images = filled(seed=seed), normal(seed, 2, 2, 8, 12)
    halved = torch.from_numpy(oracles.mean_of_pixels(images.numpy()))
    quartered = torch.from_numpy(oracles.mean_of_pixels(halved.numpy()))
    results = network(images)
    assert len(results) == 3
    for critic, seen, result in zip(network.critics, (images, halved, quartered), results, strict=True):
        assert_close(result, critic(seen), rtol=1e-11, atol=1e-12)


def test_the_condition_reaches_every_critic() -> None:
    critics = [ConditionedSequential(DepthConcatenation(3), nn.Conv2d(5, 1, 1)) for _ in range(2)]
    network, images = MultiScale(critics, MeanDownsample()), torch.randn(2, 2, 4, 4)
    first, second = network(images, torch.zeros(2, 3)), network(images, torch.ones(2, 3))
    assert [scores.shape for scores in first] == [(2, 1, 4, 4), (2, 1, 2, 2)]
    assert all(not torch.allclose(*pair) for pair in zip(first, second, strict=True))


def test_losses_take_what_it_returns() -> None:
    network, real, fake = filled(), normal(1, 2, 2, 8, 4), normal(2, 2, 2, 8, 4)
    each = [critic_loss(Hinge(), *pair) for pair in zip(network(real), network(fake), strict=True)]
    assert_close(critic_loss(Hinge(), network(real), network(fake)), torch.stack(each).mean())


def test_a_penalty_takes_the_joined_scores() -> None:
    network, real, fake = filled(2), normal(1, 2, 2, 4, 4), normal(2, 2, 2, 4, 4)
    gradient_penalty(lambda x: torch.cat([s.flatten(1) for s in network(x)], dim=1), real, fake).backward()
    for critic in network.critics:
        assert isinstance(critic, PatchHead)
        assert critic.score.weight.grad is not None
        assert critic.score.weight.grad.abs().max() > 0


@pytest.mark.parametrize("which", [0, 1])
def test_first_and_second_derivatives(which: int) -> None:
    check_derivatives(filled(2), normal(1, 2, 2, 4, 2), call=lambda network, x: network(x)[which])


def test_keeps_its_inputs_copies_and_keys() -> None:
    network, images = filled(2), normal(1, 2, 2, 4, 4)
    check_inputs_stay(network, images)
    keys = [f"critics.{i}.score.{name}" for i in range(2) for name in ("weight", "bias")]
    check_copies(network, images, keys=keys)


def test_mistakes_are_named() -> None:
    cases = {
        "critics must hold at least one critic, got none": lambda: MultiScale([], MeanDownsample()),
        r"critics\[1\] must be a torch.nn.Module, got 3": lambda: MultiScale([PatchHead(2), 3], MeanDownsample()),  # type: ignore[list-item]
        "down must be a torch.nn.Module, got None": lambda: MultiScale([PatchHead(2)], None),  # type: ignore[arg-type]
        r"images must have shape \(n, channels, height, width\)": lambda: filled()(torch.zeros(2, 3)),
        "images must not be empty": lambda: filled()(torch.zeros(0, 2, 8, 8)),
        "x must have an even height and width": lambda: filled().float()(torch.zeros(2, 2, 7, 8)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
