"""Every penalty on one batch, with what is promised where a step sees that batch in parts.

A row a way to use a penalty. `test_whole_batch.py` runs each under gradient accumulation, on two ranks and under autocast.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from gankit import constraints

SAMPLES = 12
CHANNELS, SIZE, FEATURES = 2, 4, 3

Batch = dict[str, torch.Tensor]
Terms = Callable[..., dict[str, torch.Tensor]]


class ConditionalCritic(nn.Module):
    """Scores images with conditions; both may come as one argument, in a mapping or a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(CHANNELS, 5, 3, padding=1), nn.GroupNorm(1, 5), nn.SiLU(), nn.Flatten())
        self.condition = nn.Linear(FEATURES, 7)
        self.hidden = nn.Linear(5 * SIZE * SIZE, 7)
        self.score = nn.Linear(7, 1)

    def forward(self, x: Any, condition: torch.Tensor | None = None) -> torch.Tensor:
        if isinstance(x, Mapping):
            x, condition = x["image"], x["condition"]
        elif isinstance(x, tuple):
            x, condition = x
        if condition is None:
            condition = x.new_zeros(len(x), FEATURES)
        return self.score(nn.functional.silu(self.hidden(self.maps(x)) + self.condition(condition)))


def critic(dtype: torch.dtype = torch.float64, *, seed: int = 7) -> ConditionalCritic:
    """Return the same critic in every process; its slopes are above 1, so that no penalty is a small difference."""
    rng = torch.Generator().manual_seed(seed)
    network = ConditionalCritic()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            # Drawn in float32, so that the same weights are exact in every wider dtype.
            drawn = torch.randn(parameter.shape, generator=rng)
            scale = 20.0 if name == "score.weight" else 2.0
            parameter.copy_(drawn * (0.5 if parameter.ndim == 1 else scale / parameter[0].numel() ** 0.5))
    return network.to(dtype)


def batch(dtype: torch.dtype = torch.float64) -> Batch:
    """Return the whole batch: samples, conditions and every draw that a penalty would make."""
    rng = torch.Generator().manual_seed(8)
    image = (SAMPLES, CHANNELS, SIZE, SIZE)
    sizes = {"real": image, "fake": image, "condition": (SAMPLES, FEATURES), "fake_condition": (SAMPLES, FEATURES)}
    samples = {name: torch.randn(size, generator=rng).to(dtype) for name, size in sizes.items()}
    mix = torch.rand(SAMPLES, 1, 1, 1, generator=rng).to(dtype)
    return samples | {"mix": mix, "noise": torch.rand(image, generator=rng).to(dtype)}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A way to use the public name `name`, and where it works; `None` for "as in one process", else what the error says."""

    name: str
    penalty: Callable[[Any, nn.Module, Batch], torch.Tensor]
    """What is added to the loss, of the critic to call (a wrapper on ranks), the network in it, and the batch."""
    refused_in_parts: str | None = None


def _lecam(called: Any, x: Batch, *, of_this_batch: bool) -> torch.Tensor:
    averages = constraints.ScoreAverages()
    real, fake = called(x["real"]), called(x["fake"])
    if of_this_batch:
        averages.update(real, fake)
    else:
        averages.load_state_dict({"version": 1, "biased": torch.tensor([0.1, -0.1, 0.5], dtype=x["real"].dtype)})
    return constraints.lecam_penalty(averages, real, fake)


def _shared_pass(called: Any, _: nn.Module, x: Batch) -> torch.Tensor:
    images = x["real"].clone().requires_grad_()
    return constraints.score_gradient(called(images), images).flatten(1).square().sum(1).mean()


def _of_parts(called: Any, _: nn.Module, x: Batch) -> torch.Tensor:
    real = {"image": x["real"], "condition": x["condition"]}
    fake = {"image": x["fake"], "condition": x["fake_condition"]}
    return constraints.gradient_penalty(called, real, fake, mix=x["mix"].flatten())


WHOLE = "needs the whole batch"

CASES: dict[str, Case] = {
    "WGAN-GP": Case(
        name="gradient_penalty",
        penalty=lambda called, _, x: constraints.gradient_penalty(called, x["real"], x["fake"], mix=x["mix"]),
    ),
    "WGAN-GP with a condition": Case(
        name="gradient_penalty",
        penalty=lambda called, _, x: constraints.gradient_penalty(
            lambda points: called(points, x["condition"]),
            x["real"],
            x["fake"],
            mix=x["mix"],
            one_sided=True,
            target=0.5,
        ),
    ),
    "WGAN-GP of several parts": Case(name="gradient_penalty", penalty=_of_parts),
    "norm": Case(
        name="gradient_norm",
        penalty=lambda called, _, x: constraints.gradient_norm(called, (x["real"], x["condition"])).mean(),
    ),
    "R1": Case(
        name="zero_centered_penalty",
        penalty=lambda called, _, x: constraints.zero_centered_penalty(called, x["real"]),
    ),
    "R1 that shares the pass": Case(name="score_gradient", penalty=_shared_pass),
    "DRAGAN": Case(
        name="dragan_penalty",
        penalty=lambda called, _, x: constraints.dragan_penalty(called, x["real"], mix=x["mix"], noise=x["noise"]),
        refused_in_parts=WHOLE,
    ),
    "DRAGAN with a given deviation": Case(
        name="dragan_penalty",
        penalty=lambda called, _, x: constraints.dragan_penalty(
            called, x["real"], mix=x["mix"], noise=x["noise"], deviation=1.5, symmetric=True
        ),
    ),
    "matching-aware": Case(
        name="matching_aware_gradient_penalty",
        penalty=lambda called, _, x: constraints.matching_aware_gradient_penalty(
            called, x["real"], x["condition"], power=2.0
        ),
    ),
    "largest": Case(
        name="max_gradient_penalty",
        penalty=lambda called, _, x: constraints.max_gradient_penalty(called, x["real"], x["fake"], mix=x["mix"]),
        refused_in_parts=WHOLE,
    ),
    "LeCam": Case(name="lecam_penalty", penalty=lambda called, _, x: _lecam(called, x, of_this_batch=False)),
    "LeCam with averages of this batch": Case(
        name="lecam_penalty",
        penalty=lambda called, _, x: _lecam(called, x, of_this_batch=True),
        refused_in_parts=WHOLE,
    ),
    "consistency": Case(
        name="consistency_penalty",
        penalty=lambda called, _, x: constraints.consistency_penalty(called(x["real"]), called(x["fake"])),
    ),
    "finite difference": Case(
        name="finite_difference_penalty",
        penalty=lambda called, _, x: constraints.finite_difference_penalty(
            called, x["real"], noise=x["noise"], scale=0.1
        ),
    ),
    "weights": Case(
        name="weight_penalty",
        penalty=lambda _, network, x: constraints.weight_penalty([p for p in network.parameters() if p.ndim > 1]),
    ),
    "orthogonal weights": Case(
        name="orthogonal_penalty",
        penalty=lambda _, network, x: constraints.orthogonal_penalty([p for p in network.parameters() if p.ndim > 1]),
    ),
}

NO_PENALTY = {
    "Lazy": "a function of time: it sees no batch",
    "ScoreAverages": "shown through lecam_penalty",
    "clip_weights_": "sees no batch, and every rank clips alike",
    "spectral_norm_": "moves its vectors at each pass in training mode, which its documentation says",
}


def terms(case: Case, called: Any, network: nn.Module, *, lowered: bool = False, loss: bool = True) -> Terms:
    """Return the terms of an update that takes a batch's values in the order of its names; the loss reaches every parameter."""

    def compute(*values: torch.Tensor) -> dict[str, torch.Tensor]:
        x = dict(zip(batch(), values, strict=True))
        with torch.autocast("cpu", torch.bfloat16) if lowered else nullcontext():
            result = {"penalty": case.penalty(called, network, x)}
            if loss:
                real, fake = called(x["real"], x["condition"]), called(x["fake"], x["condition"])
                result["loss"] = (fake - real).mean()
        return result

    return compute


def gradients(network: nn.Module) -> list[torch.Tensor]:
    """Return the gradient of every parameter; none is missing."""
    return list(_gradients(network))


def _gradients(network: nn.Module) -> Iterator[torch.Tensor]:
    for parameter in network.parameters():
        assert parameter.grad is not None
        yield parameter.grad
