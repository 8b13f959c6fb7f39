"""The table of small GANs: each is trained as in a plain loop, and a batch may be split where the table says so."""

from functools import partial
from typing import Any

import pytest
import torch
from support.update_nets import CASES, SEPARATE, SGD, Gan, play, trained, updates

from gankit.constraints import Lazy, zero_centered_penalty
from gankit.losses import Logistic, critic_loss, generator_loss
from gankit.training import Accumulated, Update


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("whole", [True, False])
def test_every_parameter_moves(name: str, whole: bool) -> None:
    before, (after, logged) = Gan(name, whole=whole).state(), trained(name, whole=whole)
    same = [key for key, value in after.items() if torch.equal(value, before[key])]
    assert not [key for key in same if not key.endswith("_u")]  # of a weight with one row it is 1
    assert [sorted(each) for each in logged] == [["loss", "penalty", "real"], ["loss"]] * 3
    assert all(torch.isfinite(value) for each in logged for value in each.values())


@pytest.mark.parametrize("name", SEPARATE)
def test_parts_of_a_batch_train_as_the_whole_of_it(name: str) -> None:
    if name == "spectral norm":
        pytest.skip("each forward pass in training mode moves its estimate of the norm")
    expected = trained(name, whole=False, optimizer=SGD)
    found = trained(name, lambda: Accumulated(2), whole=False, optimizer=SGD)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_two_plays_are_the_same() -> None:
    torch.testing.assert_close(trained("dropout"), trained("dropout"), rtol=0, atol=0)


FEW = ("no norm", "instance norm", "spectral norm", "dropout", "embedder")


def _costs(gan: Gan, real: torch.Tensor, labels: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
    loss = critic_loss(Logistic(), gan._score(real, labels), gan._score(fake, labels))
    return {"loss": loss}


def _penalty(gan: Gan, real: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return zero_centered_penalty(lambda x: gan._score(x, labels), real)


@pytest.mark.parametrize("name", FEW)
def test_a_lazy_penalty_in_one_backward_pass_equals_two(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy, one, two = Lazy(every=2), Gan(name, whole=False), Gan(name, whole=False)
    optimizers = [SGD(gan.critic.parameters()) for gan in (one, two)]
    plain = Update(optimizers[0], lambda *batch: _costs(one, *batch))
    penalized = Update(
        optimizers[0],
        lambda *batch: _costs(one, *batch) | {"penalty": lazy.every * 5 * _penalty(one, *batch[:2])},
    )
    passes: list[int] = []

    def counted(tensor: torch.Tensor, inputs: Any = None) -> None:
        passes.append(tensor.ndim)
        torch.autograd.backward(tensor, inputs=inputs)

    monkeypatch.setattr(torch.Tensor, "backward", counted)
    for step in range(3):
        real, labels, latents, _ = one.batch(5, step)
        fake = one.generator(latents).detach()
        torch.manual_seed(step)
        before = len(passes)
        (penalized if lazy(step) else plain)(real, labels, fake)
        assert len(passes) == before + 1
        torch.manual_seed(step)
        optimizers[1].zero_grad()
        _costs(two, real, labels, fake)["loss"].backward()
        if weight := lazy(step):
            (weight * 5 * _penalty(two, real, labels)).backward()
        optimizers[1].step()
    assert (penalized.updates, plain.updates) == (2, 1)
    torch.testing.assert_close(one.state(), two.state(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", FEW)
def test_one_fake_for_both_updates_equals_a_plain_loop(name: str) -> None:
    gan, plain = Gan(name, whole=False), Gan(name, whole=False)
    train_critic = Update(
        SGD(gan.critic.parameters()), lambda real, labels, fake: _costs(gan, real, labels, fake.detach())
    )
    train_generator = Update(
        SGD(gan.generator.parameters()),
        lambda _, labels, fake: {"loss": generator_loss(Logistic(), gan._score(fake, labels))},
        frozen=[gan.critic],
    )
    optimizers = SGD(plain.critic.parameters()), SGD(plain.generator.parameters())
    for step in range(3):
        real, labels, latents, _ = gan.batch(5, step)
        torch.manual_seed(step)
        fake = gan.generator(latents)
        for update in (train_critic, train_generator):
            update(real, labels, fake)
        torch.manual_seed(step)
        fake = plain.generator(latents)
        optimizers[0].zero_grad()
        _costs(plain, real, labels, fake.detach())["loss"].backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        generator_loss(Logistic(), plain._score(fake, labels)).backward()
        optimizers[1].step()
    torch.testing.assert_close(gan.state(), plain.state(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("fused", [False, True])
def test_channels_last_trains_as_the_plain_layout_does(name: str, fused: bool) -> None:
    def train(layout: torch.memory_format) -> tuple[Gan, list[dict[str, torch.Tensor]]]:
        gan = Gan(name, whole=False)
        for network in (gan.critic, gan.generator):
            network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
        return gan, play(gan, updates(gan, optimizer=partial(torch.optim.SGD, lr=2e-3, fused=fused)))

    (expected, logged), (found, found_logged) = train(torch.contiguous_format), train(torch.channels_last)
    torch.testing.assert_close(found.state(), expected.state(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found_logged, logged, rtol=1e-10, atol=1e-12)
    weight = next(one for one in found.critic.parameters() if one.ndim == 4 and min(one.shape[1:]) > 1)
    assert weight.stride()[1] == 1
