"""PatchGAN: what a score sees, its numbers, any size, mistakes."""

from functools import partial

import pytest
import torch
from blocks import oracles as layers
from blocks.cases import fill_, numpy_state
from networks.cases import build, inputs_of
from torch import nn
from torch.testing import assert_close

from gankit.blocks import MeanDownsample, MultiScale
from gankit.constraints import gradient_penalty
from gankit.losses import LeastSquares, critic_loss
from gankit.networks import PatchGANCritic


@pytest.mark.parametrize(("halvings", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch_of_the_paper_s_size(halvings: int, patch: int) -> None:
    critic = PatchGANCritic(width=1, halvings=halvings, norm=nn.Identity, activation=nn.Softplus).double()
    fill_(critic, 0)
    side = 2 * patch
    image = torch.zeros(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    scores = critic(image)
    middle = scores.shape[2] // 2
    scores[0, 0, middle, middle].backward()
    assert image.grad is not None
    rows = image.grad[0].abs().sum(dim=(0, 2)).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_the_function_in_numpy() -> None:
    critic = build("patchgan_critic", 3)
    (images,) = inputs_of("patchgan_critic", 3)
    state, h = numpy_state(critic), images.numpy()
    h = layers.leaky_relu(layers.convolve(h, state["body.0.weight"], state["body.0.bias"], 2, 1))
    for place, stride in (("2", 2), ("5", 1)):
        h = layers.convolve(h, state[f"body.{place}.weight"], state[f"body.{place}.bias"], stride, 1)
        h = h - h.mean(axis=(2, 3), keepdims=True)
        h = layers.leaky_relu(h / (h.var(axis=(2, 3), keepdims=True) + 1e-5) ** 0.5)
    wanted = layers.convolve(h, state["head.score.weight"], state["head.score.bias"], 1, 1)
    assert_close(critic(images), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


def test_channels_double_up_to_eight_times_the_width() -> None:
    critic = PatchGANCritic(width=2, halvings=5)
    channels = [layer.out_channels for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert channels == [2, 4, 8, 16, 16, 16, 1]


def test_losses_and_penalties_take_its_maps_at_several_sizes() -> None:
    norm = partial(nn.GroupNorm, 1)
    critics = MultiScale([PatchGANCritic(width=2, halvings=1, norm=norm) for _ in range(2)], MeanDownsample())
    real, fake = torch.randn(2, 3, 16, 24), torch.randn(2, 3, 16, 24)
    scores = critics(real)
    assert [tuple(one.shape) for one in scores] == [(2, 1, 6, 10), (2, 1, 2, 4)]
    loss = critic_loss(LeastSquares(), scores, critics(fake))
    loss = loss + gradient_penalty(critics.critics[0], real, fake)
    loss.backward()
    assert all(parameter.grad is not None for parameter in critics.parameters())


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="halvings must be at least 1, got 0"):
        PatchGANCritic(halvings=0)
    with pytest.raises(ValueError, match="norm must be a callable"):
        PatchGANCritic(norm=nn.BatchNorm2d(3))
    critic = PatchGANCritic(width=1)
    with pytest.raises(ValueError, match=r"images must have shape \(n, 3, height, width\), got \(2, 1, 32, 32\)"):
        critic(torch.zeros(2, 1, 32, 32))
    with pytest.raises(ValueError, match="images must be at least 24 pixels high and wide"):
        critic(torch.zeros(2, 3, 32, 23))
    assert critic(torch.zeros(2, 3, 25, 24)).shape == (2, 1, 1, 1)
