"""No step waits for a device: whole rounds run on meta, where a value that is read is counted, and none is."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from support.host_reads import HostReads
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gankit import blocks, constraints, losses, training
from gankit.schedules import Round


def _step(critic: nn.Module, penalty: Callable[..., torch.Tensor]) -> Callable[..., Any]:
    def terms(real: torch.Tensor, fake: torch.Tensor) -> Any:
        scores = critic(real), critic(fake)
        costs = {"loss": losses.critic_loss(losses.Wasserstein(), *scores), "penalty": penalty(critic, real, fake)}
        return costs, {"real": scores[0].mean(), "fake": scores[1].mean()}

    return terms


PENALTIES: dict[str, Callable[..., torch.Tensor]] = {
    "WGAN-GP": lambda critic, real, fake: 10 * constraints.gradient_penalty(critic, real, fake),
    "R1": lambda critic, real, _: constraints.zero_centered_penalty(critic, real),
    "clip": lambda critic, real, _: 0 * critic(real).mean(),
}
STEPPERS: dict[str, Callable[[], training.Stepper]] = {
    "plain": training.FiniteStepper,
    "clipped": lambda: training.FiniteStepper(max_norm=1.0),
    "scaled": lambda: training.ScaledStepper("meta"),
    "scaled and clipped": lambda: training.ScaledStepper("meta", max_norm=1.0),
}
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "fused Adam": partial(torch.optim.Adam, fused=True),
    "Adam": torch.optim.Adam,
    "RMSprop": torch.optim.RMSprop,
}


def _play(penalty: str, stepper: str, optimizer: str, spoil: Callable[[torch.Tensor], object]) -> HostReads:
    """Play rounds of five critic updates and one of the generator on meta; return what was read."""
    width = 4
    critic = nn.Sequential(
        spectral_norm(nn.Conv2d(3, width, 4, 2, 1)), nn.LeakyReLU(0.2), nn.InstanceNorm2d(width, affine=True),
        blocks.SelfAttention2d(width), nn.Conv2d(width, 1, 4), nn.Flatten(0),
    ).to("meta")  # fmt: skip
    generator = nn.Sequential(nn.Linear(5, 192), nn.Unflatten(1, (3, 8, 8)), nn.BatchNorm2d(3)).to("meta")
    terms = _step(critic, PENALTIES[penalty])

    def critic_terms(real: torch.Tensor) -> Any:
        with torch.no_grad():
            fake = generator(torch.randn(len(real), 5, device=real.device))
        spoil(fake)
        return terms(real, fake)

    def generator_terms(real: torch.Tensor) -> Any:
        fake = generator(torch.randn(len(real), 5, device=real.device))
        return {"loss": losses.generator_loss(losses.Wasserstein(), critic(fake))}

    make = OPTIMIZERS[optimizer]
    train_critic = training.Update(
        make(critic.parameters()),
        critic_terms,
        stepper=STEPPERS[stepper](),
        constraint=partial(constraints.clip_weights_, critic, 0.1) if penalty == "clip" else None,
    )
    train_generator = training.Update(
        make(generator.parameters()), generator_terms, frozen=[critic], stepper=STEPPERS[stepper]()
    )
    average, log = training.WeightAverage(generator), training.LogRing(5)
    batches = iter([torch.randn(7, 3, 8, 8, device="meta") for _ in range(10)])
    logged: Mapping[str, torch.Tensor] = {}
    with HostReads(elsewhere=True) as reads:
        for _ in range(2):
            logged = training.play_round(Round(5), batches, critic=train_critic, generator=train_generator)
            log.write(logged)
            average.update()
    assert {value.device.type for value in logged.values()} == {"meta"}
    return reads


@pytest.fixture
def _fused_on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fused optimizers take meta tensors: their operations know them, only a list of devices does not."""
    monkeypatch.setattr(sys.modules["torch.optim.adam"], "_device_dtype_check_for_fused", lambda *_, **__: None)


@pytest.mark.usefixtures("_fused_on_meta")
@pytest.mark.parametrize(
    ("penalty", "stepper", "optimizer"),
    [
        ("WGAN-GP", "plain", "fused Adam"),
        ("WGAN-GP", "scaled and clipped", "RMSprop"),
        ("R1", "clipped", "Adam"),
        ("R1", "scaled", "fused Adam"),
        ("clip", "plain", "RMSprop"),
        ("clip", "scaled and clipped", "fused Adam"),
    ],
)
def test_a_round_reads_nothing_on_the_host(penalty: str, stepper: str, optimizer: str) -> None:
    assert _play(penalty, stepper, optimizer, lambda fake: None).counts == {}


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda x: x.sum().item(), "aten::_local_scalar_dense"),
        (lambda x: float(x[0, 0, 0, 0]), "aten::_local_scalar_dense"),
        (lambda x: 1 if x.sum() > 0 else 0, "aten::_local_scalar_dense"),
        (lambda x: x.sum().tolist(), "aten::_to_copy"),
        (lambda x: x.cpu(), "aten::_to_copy"),
        (lambda x: x.copy_(torch.zeros(7, 3, 8, 8)), "aten::copy_"),
        (lambda x: torch.zeros(3).to(x.device), "aten::_to_copy"),
        (lambda x: torch.equal(x, x + 1), "aten::equal"),
    ],
)
def test_what_would_wait_for_the_device_is_counted_in_each_step(
    spoil: Callable[[torch.Tensor], object], name: str
) -> None:
    assert _play("clip", "plain", "RMSprop", spoil).counts == {name: 10}


@pytest.mark.parametrize("read", [lambda x: x[x > 0], lambda x: x.nonzero(), lambda x: torch.masked_select(x, x > 0)])
def test_sizes_that_depend_on_values_are_seen(read: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with pytest.raises(AssertionError, match="waits for a size"), HostReads():
        read(torch.ones(3, device="meta"))


def test_tensors_elsewhere_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="has a tensor elsewhere"), HostReads():
        torch.ones(3)
