"""vegans: the methods that `fit` calls for each batch; `fit` itself fails with torch of today (``iter(loader).next()``)."""

import tempfile
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from benchmarks.step_throughput import plain
from benchmarks.step_throughput.cases import Rule
from benchmarks.step_throughput.peers.stand_ins import PeerError, peer_module
from benchmarks.step_throughput.setting import Batch, Iteration, Networks, Setting

NOTE = (
    "its critic losses are halved, so the weight of the penalty is halved too; its fit takes the generator first and all "
    "critic steps on one batch, while its methods are called in the order of the other loops here"
)


class Negated(nn.Module):
    """A critic with its sign changed: in vegans' Wasserstein losses real scores are the low ones."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores, negated."""
        return -self.network(images)


class Probabilities(Negated):
    """A critic followed by the sigmoid that vegans' cross-entropy wants."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities."""
        return torch.sigmoid(self.network(images))


def build(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    """Return an iteration: loss, zero_grad, backward and step by the methods of its model."""
    make, adversary, own = _model(rule, networks)
    buffers = {name: value.clone() for name, value in networks.generator.named_buffers()}
    model: Any = make(
        generator=networks.generator,
        adversary=adversary,
        x_dim=(3, 64, 64),
        z_dim=100,
        optim={"Generator": rule.plain_optimizer, "Adversary": rule.plain_optimizer},
        fixed_noise_size=2,
        device=setting.device.type,
        folder=tempfile.mkdtemp(prefix="vegans-"),
        secure=False,
        **own,
    )
    for name, value in networks.generator.named_buffers():  # it has drawn an image to learn the shape
        value.copy_(buffers[name])
    model.train()

    def step(who: str, real: torch.Tensor, latents: torch.Tensor) -> None:
        model._losses = model.calculate_losses(X_batch=real, Z_batch=latents, who=who)  # noqa: SLF001 (fit does the same)
        model._zero_grad(who=who)  # noqa: SLF001
        model._backward(who=who)  # noqa: SLF001
        model._step(who=who)  # noqa: SLF001

    def iterate(batches: Sequence[Batch]) -> None:
        for real, latents, _ in batches:
            step("Adversary", real, latents)
        step("Generator", batches[-1].real, batches[-1].latents)

    return iterate


def _model(rule: Rule, networks: Networks) -> tuple[Any, nn.Module, dict[str, float]]:
    module = "vegans.models.unconditional."
    if rule.plain_critic is plain.logistic_critic:
        return peer_module(module + "VanillaGAN").VanillaGAN, Probabilities(networks.critic), {}
    if rule.plain_critic is plain.wasserstein_critic and rule.clip is not None:
        return peer_module(module + "WassersteinGAN").WassersteinGAN, Negated(networks.critic), {"clip_val": rule.clip}
    if rule.plain_critic is plain.penalized_critic:
        made = peer_module(module + "WassersteinGANGP").WassersteinGANGP
        return made, Negated(networks.critic), {"lmbda_grad": plain.PENALTY / 2}
    raise PeerError("has no loss of this kind")
