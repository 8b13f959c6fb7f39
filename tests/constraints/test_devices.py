"""Every part runs on every device type, and a traced graph of it replays on new samples and new draws."""

from collections.abc import Callable

import pytest
import torch
from support.strategies import normal
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from gankit.constraints import (
    ScoreAverages,
    clip_weights_,
    consistency_penalty,
    dragan_penalty,
    finite_difference_penalty,
    gradient_norm,
    gradient_penalty,
    lecam_penalty,
    matching_aware_gradient_penalty,
    max_gradient_penalty,
    orthogonal_penalty,
    score_gradient,
    spectral_norm_,
    weight_penalty,
    zero_centered_penalty,
)

Penalty = Callable[[nn.Sequential, torch.Tensor, torch.Tensor], torch.Tensor]


def _weights(critic: nn.Sequential) -> list[nn.Parameter]:
    return [parameter for parameter in critic.parameters() if parameter.ndim == 2]


def _shared_pass(critic: nn.Sequential, real: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    images = real.detach().requires_grad_()
    return score_gradient(critic(images), images).square().sum()


def _lecam(critic: nn.Sequential, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    averages = ScoreAverages()
    averages.update(critic(real), critic(fake))
    return lecam_penalty(averages, critic(fake), critic(real))


PENALTIES: dict[str, Penalty] = {
    "norm": lambda critic, real, fake: gradient_norm(critic, real + fake).sum(),
    "shared pass": _shared_pass,
    "gradient": gradient_penalty,
    "one-sided": lambda critic, real, fake: gradient_penalty(critic, real, fake, target=0.01, one_sided=True),
    "parts": lambda critic, real, fake: zero_centered_penalty(
        lambda x: critic(x["a"] * x["b"]), {"a": real, "b": fake}
    ),
    "matching": lambda critic, real, fake: matching_aware_gradient_penalty(lambda x, y: critic(x + y), real, fake),
    "max": max_gradient_penalty,
    "zero-centered": lambda critic, real, _: zero_centered_penalty(critic, real),
    "DRAGAN": lambda critic, real, _: dragan_penalty(critic, real, symmetric=True),
    "DRAGAN, given deviation": lambda critic, real, _: dragan_penalty(critic, real, deviation=0.5),
    "consistency": lambda critic, real, fake: consistency_penalty(critic(real), critic(real + 0.1 * fake)),
    "finite difference": lambda critic, real, _: finite_difference_penalty(critic, real),
    "LeCam": _lecam,
    "weights": lambda critic, _, __: weight_penalty(critic.parameters()),
    "orthogonal": lambda critic, _, __: orthogonal_penalty(_weights(critic)[0]),
    "orthonormal": lambda critic, _, __: orthogonal_penalty(_weights(critic), include_diagonal=True),
}


def _critic(device: str = "cpu") -> nn.Sequential:
    torch.manual_seed(3)
    layers = nn.Flatten(), nn.Linear(2 * 3 * 3, 5), nn.Softplus(), nn.Linear(5, 1), nn.Flatten(0)
    return nn.Sequential(*layers).to(device, torch.float64)


@pytest.mark.parametrize("name", PENALTIES)
def test_every_penalty_and_its_backward_pass_run_on_meta(name: str) -> None:
    critic = _critic("meta")
    real, fake = (torch.empty(7, 2, 3, 3, dtype=torch.float64, device="meta") for _ in range(2))
    penalty = PENALTIES[name](critic, real, fake)
    assert (penalty.device.type, penalty.dtype, penalty.shape) == ("meta", torch.float64, ())
    penalty.backward()
    assert _weights(critic)[0].grad.device.type == "meta"  # type: ignore[union-attr]


def test_every_bound_on_weights_runs_on_meta() -> None:
    critic = _critic("meta")
    clip_weights_(critic, 0.01)
    spectral_norm_(critic)
    critic(torch.empty(7, 2, 3, 3, dtype=torch.float64, device="meta")).sum().backward()
    assert {parameter.device.type for parameter in critic.parameters()} == {"meta"}


@pytest.mark.parametrize("name", PENALTIES)
def test_nothing_takes_its_dtype_from_the_default(name: str) -> None:
    critic = _critic().float()
    real, fake = normal(1, 7, 2, 3, 3, dtype=torch.float32), normal(2, 7, 2, 3, 3, dtype=torch.float32)
    torch.manual_seed(5)
    expected = PENALTIES[name](critic, real, fake)
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(5)
        penalty = PENALTIES[name](critic, real, fake)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(penalty, expected)
    assert penalty.dtype == torch.float32


@pytest.mark.parametrize("name", PENALTIES)
def test_nothing_takes_its_device_from_the_default(name: str) -> None:
    critic, real, fake = _critic(), normal(1, 7, 2, 3, 3), normal(2, 7, 2, 3, 3)
    with torch.device("meta"):
        penalty = PENALTIES[name](critic, real, fake)
    assert penalty.device.type == "cpu"


@pytest.mark.parametrize("tracing_mode", ["real", "symbolic"])
@pytest.mark.parametrize("name", PENALTIES)
def test_a_graph_replays_on_new_samples_and_new_draws(name: str, tracing_mode: str) -> None:
    """Penalty and gradients are traced once; a symbolic graph is replayed with other batch sizes too."""
    critic = _critic()
    parameters = _weights(critic)

    def step(real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, ...]:
        penalty = PENALTIES[name](critic, real, fake)
        return penalty.detach(), *torch.autograd.grad(penalty, parameters, allow_unused=True)

    graph = make_fx(step, tracing_mode=tracing_mode, _allow_non_fake_inputs=True)(  # type: ignore[arg-type]
        normal(0, 7, 2, 3, 3), normal(1, 7, 2, 3, 3)
    )
    for replay, samples in enumerate((7, 7, 7) if tracing_mode == "real" else (7, 3, 5)):
        real, fake = normal(10 + replay, samples, 2, 3, 3), normal(20 + replay, samples, 2, 3, 3)
        torch.manual_seed(replay)
        with torch.no_grad():
            found = graph(real, fake)
        torch.manual_seed(replay)
        expected = step(real, fake)
        assert [value is None for value in found] == [value is None for value in expected]
        torch.testing.assert_close(
            [value for value in found if value is not None],
            [value for value in expected if value is not None],
            rtol=1e-12,
            atol=1e-12,
        )
        with torch.no_grad():
            for parameter in parameters:
                parameter.add_(0.1 * normal(replay, *parameter.shape))


@pytest.mark.parametrize("name", ["gradient", "DRAGAN", "finite difference"])
def test_a_compiled_penalty_draws_for_any_batch_size(name: str) -> None:
    torch.compiler.reset()
    critic = _critic()

    def step(real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, ...]:
        penalty = PENALTIES[name](critic, real, fake)
        return penalty.detach(), *torch.autograd.grad(penalty, _weights(critic))

    compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
    for samples in (7, 3, 5):  # the second size makes it dynamic
        real, fake = normal(0, samples, 2, 3, 3), normal(1, samples, 2, 3, 3)
        torch.manual_seed(samples)
        with torch._dynamo.config.patch(trace_autograd_ops=True, error_on_recompile=samples == 5):
            found = compiled(real, fake)
        torch.manual_seed(samples)
        torch.testing.assert_close(found, step(real, fake), rtol=1e-12, atol=1e-12)
