"""StarGAN's pair: the published names and shapes, own statistics in both modes, and the function itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
from blocks import oracles as layers
from blocks.cases import fill_, numpy_state
from hypothesis import given, strategies as st
from networks.published import convolution, lines_of, parameters
from support.strategies import normal, seeds
from torch.testing import assert_close

from gankit.constraints import gradient_norm
from gankit.embedders import MultiHotEmbedder, OneHotEmbedder
from gankit.networks import StarGANCritic, StarGANGenerator

Shapes = dict[str, tuple[int, ...]]


def published_generator(domains: int) -> Shapes:
    """The content of a generator's file of the authors' program, written by hand; torch 0.4.0 does not count batches."""
    shapes: Shapes = {}

    def norm(name: str, channels: int) -> None:
        shapes.update({f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")})

    convolutions = {
        "0": (64, 3 + domains, 7, 7),
        "3": (128, 64, 4, 4),
        "6": (256, 128, 4, 4),
        "15": (256, 128, 4, 4),
        "18": (128, 64, 4, 4),
        "21": (3, 64, 7, 7),
    }
    shapes.update({f"main.{place}.weight": shape for place, shape in convolutions.items()})
    for place, channels in ((1, 64), (4, 128), (7, 256), (16, 128), (19, 64)):
        norm(f"main.{place}", channels)
    for block in range(9, 15):
        for position in (0, 3):
            shapes[f"main.{block}.main.{position}.weight"] = (256, 256, 3, 3)
            norm(f"main.{block}.main.{position + 1}", 256)
    return shapes


def published_critic() -> Shapes:
    channels = (3, 64, 128, 256, 512, 1024, 2048)
    shapes: Shapes = {}
    for step in range(6):
        shapes[f"main.{2 * step}.weight"] = (channels[step + 1], channels[step], 4, 4)
        shapes[f"main.{2 * step}.bias"] = (channels[step + 1],)
    return shapes | {"conv1.weight": (1, 2048, 3, 3), "conv2.weight": (5, 2048, 2, 2)}


def checkpoint(shapes: Shapes, *, counts_batches: bool) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(7)
    state = {key: 0.02 * torch.randn(shape, generator=rng) for key, shape in shapes.items()}
    if counts_batches:
        norms = [key.removesuffix("running_mean") for key in shapes if key.endswith("running_mean")]
        state |= {f"{name}num_batches_tracked": torch.tensor(200_000) for name in norms}
    return state


@pytest.mark.parametrize("counts_batches", [False, True], ids=["torch 0.4.0", "later torch"])
@pytest.mark.parametrize("domains", [5, 8])
def test_a_published_generators_file_loads_strictly_and_is_kept(
    domains: int, counts_batches: bool, tmp_path: Path
) -> None:
    path = tmp_path / "200000-G.ckpt"
    state = checkpoint(published_generator(domains), counts_batches=counts_batches)
    torch.save(state, path)
    with torch.device("meta"):
        generator = StarGANGenerator(embedder=MultiHotEmbedder(domains))
    generator = generator.to_empty(device="cpu")
    result = generator.load_state_dict(torch.load(path, weights_only=True), strict=True)
    assert not result.missing_keys
    assert not result.unexpected_keys
    again = generator.state_dict()
    if counts_batches:
        assert set(again) == set(state)
    assert all(torch.equal(again[key], value) for key, value in state.items())


def test_a_published_critics_file_loads_strictly() -> None:
    state = {key: torch.empty(shape, device="meta") for key, shape in published_critic().items()}
    with torch.device("meta"):
        critic = StarGANCritic()
    critic.load_state_dict(state, strict=True, assign=True)
    assert {key: tuple(value.shape) for key, value in critic.state_dict().items()} == published_critic()


def small(seed: int = 0) -> StarGANGenerator:
    generator = StarGANGenerator(embedder=MultiHotEmbedder(3), width=2, blocks=2).double()
    fill_(generator, seed)
    return generator


def batch(seed: int, samples: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return normal(seed, samples, 3, 8, 12), torch.randint(2, (samples, 3), generator=rng)


def test_evaluation_mode_changes_nothing_and_neither_does_training() -> None:
    generator, inputs = small(), batch(1)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    training = generator.train()(*inputs)
    assert torch.equal(generator.eval()(*inputs), training)
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())


def test_running_statistics_of_a_file_do_not_change_the_result() -> None:
    generator, inputs = small().eval(), batch(1)
    wanted = generator(*inputs)
    for key, value in generator.state_dict().items():
        if "running" in key:
            value.fill_(100.0)
    assert torch.equal(generator(*inputs), wanted)


def test_samples_stay_apart() -> None:
    generator, (images, labels) = small(), batch(2, samples=3)
    apart = [generator(images[i : i + 1], labels[i : i + 1]) for i in range(3)]
    assert_close(generator(images, labels), torch.cat(apart), rtol=1e-10, atol=1e-10)


def own_norm(state: layers.State, x: layers.Array, name: str) -> layers.Array:
    return layers.per_channel(layers.normalize(x, (2, 3)), state[f"{name}.weight"], state[f"{name}.bias"])


@given(seed=seeds, training=st.booleans())
def test_the_generator_in_numpy(seed: int, training: bool) -> None:
    generator, (images, labels) = small(seed).train(training), batch(seed)
    state = numpy_state(generator)
    replicated = np.broadcast_to(labels.double().numpy()[:, :, None, None], (2, 3, 8, 12))
    h = np.concatenate((images.numpy(), replicated), axis=1)
    for place, stride, padding in ((0, 1, 3), (3, 2, 1), (6, 2, 1)):
        h = layers.convolve(h, state[f"main.{place}.weight"], None, stride, padding)
        h = layers.relu(own_norm(state, h, f"main.{place + 1}"))
    for block in (9, 10):
        inner = layers.convolve(h, state[f"main.{block}.main.0.weight"], None, padding=1)
        inner = layers.relu(own_norm(state, inner, f"main.{block}.main.1"))
        inner = layers.convolve(inner, state[f"main.{block}.main.3.weight"], None, padding=1)
        h = h + own_norm(state, inner, f"main.{block}.main.4")
    for place in (11, 14):
        h = layers.convolve_transposed(h, state[f"main.{place}.weight"], None, 2, 1)
        h = layers.relu(own_norm(state, h, f"main.{place + 1}"))
    wanted = np.tanh(layers.convolve(h, state["main.17.weight"], None, padding=3))
    assert_close(generator(images, labels), torch.from_numpy(wanted), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_critic_in_numpy(seed: int) -> None:
    critic = StarGANCritic(resolution=12, num_classes=3, width=2, halvings=2).double()
    fill_(critic, seed)
    images = normal(seed, 2, 3, 12, 12)
    state = numpy_state(critic)
    h = images.numpy()
    for place in (0, 2):
        h = layers.convolve(h, state[f"main.{place}.weight"], state[f"main.{place}.bias"], 2, 1)
        h = np.where(h > 0, h, 0.01 * h)
    scores, (logits,) = critic(images)
    assert_close(scores, torch.from_numpy(layers.convolve(h, state["conv1.weight"], None, padding=1)))
    wanted = np.einsum("nchw,ochw->no", h, state["conv2.weight"])
    assert_close(logits, torch.from_numpy(wanted))


def test_the_critics_penalty_reaches_every_layer_before_the_scores() -> None:
    critic = StarGANCritic(resolution=8, width=2, halvings=2).double()
    gradient_norm(lambda x: critic(x).scores, normal(0, 3, 3, 8, 8)).square().sum().backward()
    weights = [critic.main[0].weight, critic.main[2].weight, critic.conv1.weight]
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in weights)


def test_mistakes() -> None:
    generator = StarGANGenerator(embedder=OneHotEmbedder(3), width=2, blocks=1)
    images, labels = torch.zeros(2, 3, 8, 8), torch.tensor([0, 2])
    with pytest.raises(
        ValueError, match=r"images must have a height and width divisible by 4, got shape \(2, 3, 8, 6\)"
    ):
        generator(images[..., :6], labels)
    with pytest.raises(ValueError, match=r"images must have shape \(n, 3, height, width\), got \(2, 1, 8, 8\)"):
        generator(images[:, :1], labels)
    with pytest.raises(ValueError, match="images must not be empty"):
        generator(images[:0], labels)
    with pytest.raises(ValueError, match=r"labels must give one vector per sample, \(2, 3\), got \(1, 3\)"):
        generator(images, labels[:1])
    with pytest.raises(ValueError, match="blocks must be at least 1, got 0"):
        StarGANGenerator(embedder=OneHotEmbedder(3), blocks=0)
    with pytest.raises(ValueError, match=r"divisible by 2\*\*halvings, 64, got 96 with halvings=6"):
        StarGANCritic(resolution=96)
    with pytest.raises(ValueError, match="num_classes must be at least 1, got 0"):
        StarGANCritic(num_classes=0)
    with pytest.raises(ValueError, match=r"images must have shape \(n, 3, 64, 64\), got \(2, 3, 8, 8\)"):
        StarGANCritic(resolution=64, width=1)(images)


@pytest.mark.parametrize(("domains", "generator", "critic"), [(5, 8_430_528, 44_762_048), (8, 8_439_936, 44_786_624)])
def test_stargan_s_parameters_are_those_that_its_program_prints(domains: int, generator: int, critic: int) -> None:
    with torch.device("meta"):
        assert parameters(StarGANGenerator(embedder=MultiHotEmbedder(domains))) == generator
        assert parameters(StarGANCritic(num_classes=domains)) == critic


def test_stargan_s_critic() -> None:
    sides, channels = (64, 32, 16, 8, 4, 2), (3, 64, 128, 256, 512, 1024, 2048)
    with torch.device("meta"):
        critic = StarGANCritic()
    lines = lines_of(critic, torch.empty(2, 3, 128, 128))
    body = [(convolution(channels[i], channels[i + 1], 4, 2, sides[i]), ("LeakyReLU", 0.01)) for i in range(6)]
    assert lines[:12] == [line for pair in body for line in pair]
    assert lines[12:] == [("Conv2d", 2048, 1, 3, 1, 1, False, 2), ("Conv2d", 2048, 5, 2, 1, 0, False, 1)]
