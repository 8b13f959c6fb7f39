"""The U-Net and the PatchGAN: functions, published channels, labels, patches, any size, mistakes."""

from functools import partial

import numpy as np
import pytest
import torch
from blocks import oracles as layers
from blocks.cases import fill_, numpy_state
from hypothesis import given, strategies as st
from networks.cases import build, inputs_of
from networks.published import parameters
from support.strategies import seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import AlwaysOnDropout, MeanDownsample, MultiScale
from gankit.constraints import gradient_penalty
from gankit.embedders import LabelEmbedder, OneHotEmbedder
from gankit.losses import LeastSquares, critic_loss
from gankit.networks import (
    PatchGANCritic,
    UNetColorizer,
    layer_table,
)


@given(seed=seeds, training=st.booleans())
def test_two_halvings_in_numpy(seed: int, training: bool) -> None:
    colorizer = build("unet_colorizer_embedder", seed).train(training)
    images, labels = inputs_of("unet_colorizer_embedder", seed)
    state = numpy_state(colorizer)
    outer = layers.convolve(images.numpy(), state["down.0.weight"], state["down.0.bias"], 2, 1)
    inner = layers.convolve(layers.leaky_relu(outer), state["down.1.1.weight"], state["down.1.1.bias"], 2, 1)
    tables = [state[f"embedder.tables.{i}.weight"][labels[:, i].numpy()] for i in range(2)]
    vectors = np.concatenate(tables, axis=1)[:, :, None, None]
    inner = np.concatenate((inner, np.broadcast_to(vectors, (3, 14, 2, 3))), axis=1)
    h = layers.convolve_transposed(layers.relu(inner), state["up.0.1.weight"], None, 2, 1)
    h = layers.batch_norm(state, training=training)(h, "up.0.2")
    h = layers.relu(np.concatenate((outer, h), axis=1))
    wanted = np.tanh(layers.convolve_transposed(h, state["up.1.1.weight"], state["up.1.1.bias"], 2, 1))
    assert_close(colorizer(images, labels), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("halvings", "dropouts"), [(4, 0), (5, 0), (6, 1), (7, 2), (8, 3)])
def test_pix2pixs_channels_and_dropouts(halvings: int, dropouts: int) -> None:
    """For n halvings pix2pix drops in n - 5 stages; its 256 x 256 net has 54.4 million parameters, of 3 channels in."""
    side = 2**halvings
    with torch.device("meta"):
        colorizer = UNetColorizer(halvings=halvings, in_channels=3)
    table = layer_table(colorizer, torch.empty(2, 3, side, side))
    down = [row.output[1] for row in table.rows if row.kind == "Conv2d"]
    assert down == [64, 128, 256, 512, 512, 512, 512, 512][:halvings]
    up = [row.output[1] for row in table.rows if row.kind == "ConvTranspose2d"]
    assert up == [*down[-2::-1], 3]
    places = [row.output for row in table.rows if row.kind == "Dropout"]
    assert [shape[1] for shape in places] == [512] * dropouts
    assert all(shape[2] > 2 for shape in places)
    if halvings == 8:
        assert 54_400_000 < table.parameters < 54_450_000


def test_every_pixel_depends_on_the_label() -> None:
    colorizer = UNetColorizer(halvings=3, width=4, embedder=OneHotEmbedder(3)).double().eval()
    gray = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    change = colorizer(gray, torch.tensor([0])) - colorizer(gray, torch.tensor([2]))
    assert (change.abs().sum(1) > 0).all()


@pytest.mark.parametrize("training", [False, True])
def test_an_instance_norm_never_gets_a_single_position(training: bool) -> None:
    """It would turn the value into 0: without a norm after the innermost convolution picture and label are kept."""
    torch.manual_seed(3)
    norm = partial(nn.InstanceNorm2d, affine=True)
    colorizer = UNetColorizer(halvings=3, width=4, norm=norm, embedder=OneHotEmbedder(3)).double().train(training)
    inmost: list[torch.Tensor] = []

    def note(_layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        inmost.append(output)

    colorizer.down[-1].register_forward_hook(note)
    gray, labels = torch.randn(2, 1, 8, 8, dtype=torch.float64), torch.tensor([0, 2])
    change = colorizer(gray, labels) - colorizer(gray, labels.flip(0))
    assert inmost[0].shape == (2, 16, 1, 1)
    assert (inmost[0].abs().sum(dim=1) > 0).all()
    assert change.abs().max() > 1e-6


def test_dropout_is_the_callers() -> None:
    torch.manual_seed(0)
    gray = torch.randn(2, 1, 64, 64)
    colorizer = UNetColorizer(width=2, dropout=AlwaysOnDropout).eval()
    assert not torch.equal(colorizer(gray), colorizer(gray))
    colorizer = UNetColorizer(width=2).eval()
    assert torch.equal(colorizer(gray), colorizer(gray))
    colorizer.train()
    assert not torch.equal(colorizer(gray), colorizer(gray))


def test_weights_start_small_and_embedders_keep_their_start() -> None:
    torch.manual_seed(1)
    embedder = LabelEmbedder((3, 2), 7)
    before = [table.detach().clone() for table in embedder.parameters()]
    colorizer = UNetColorizer(halvings=3, width=16, embedder=embedder)
    assert all(torch.equal(table, old) for table, old in zip(embedder.parameters(), before, strict=True))
    for layer in colorizer.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            assert 0.017 < layer.weight.std().item() < 0.023
            assert layer.bias is None or (layer.bias == 0).all()


def test_unet_mistakes() -> None:
    colorizer = UNetColorizer(halvings=3, width=2)
    with pytest.raises(ValueError, match="images must have a height and width divisible by 8"):
        colorizer(torch.zeros(2, 1, 16, 12))
    with pytest.raises(ValueError, match=r"images must have shape \(n, 1, height, width\)"):
        colorizer(torch.zeros(2, 3, 16, 16))
    with pytest.raises(ValueError, match="labels must be left out"):
        colorizer(torch.zeros(2, 1, 16, 16), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="labels must be given"):
        UNetColorizer(halvings=3, width=2, embedder=OneHotEmbedder(3))(torch.zeros(2, 1, 16, 16))
    with pytest.raises(ValueError, match="halvings must be at least 2, got 1"):
        UNetColorizer(halvings=1)
    with pytest.raises(ValueError, match="dropout must be a callable"):
        UNetColorizer(dropout=nn.Dropout(0.5))


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


def test_patchgan_mistakes() -> None:
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


def test_pix2pix_s_and_cyclegan_s_parameters() -> None:
    """54.414 and 2.765 million, as their program prints; two biases of the U-Net, where it has no norm, are gankit's."""
    with torch.device("meta"):
        assert parameters(UNetColorizer(halvings=8, in_channels=3)) == 54_413_955 + 64 + 512
        assert parameters(PatchGANCritic(norm=nn.InstanceNorm2d)) == 2_764_737
