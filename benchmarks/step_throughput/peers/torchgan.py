"""torchgan: `Trainer.train_iter`, once for each batch."""

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from benchmarks.step_throughput import plain
from benchmarks.step_throughput.cases import Rule
from benchmarks.step_throughput.peers.stand_ins import PeerError, default_dtype, peer_module
from benchmarks.step_throughput.setting import Batch, Iteration, Networks, Setting

NOTE = (
    "its gradient penalty takes one share for the whole batch, the norm of the whole batch, and an optimizer step of its own; "
    "its clip comes before the step and not after it"
)


def build(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    """Return an iteration of its trainer, whose counters are set so that the generator comes after the last critic step."""
    os.environ.setdefault("TENSORBOARD_LOGGING", "0")
    os.environ.setdefault("CONSOLE_LOGGING", "0")
    losses = _losses(rule)
    trainer_module = peer_module("torchgan.trainer")
    models = peer_module("torchgan.models.model")

    class Generator(models.Generator):
        def __init__(self) -> None:
            super().__init__(encoding_dims=1)
            self.network = networks.generator
            self.latents = torch.empty(0)

        def forward(self, noise: torch.Tensor) -> torch.Tensor:
            del noise  # drawn by its losses; all loops of the table use the same latents
            return self.network(self.latents)

    class Critic(models.Discriminator):
        def __init__(self) -> None:
            super().__init__(input_dims=3)
            self.network = networks.critic

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.network(images)

    folder = tempfile.gettempdir()
    trainer: Any = trainer_module.Trainer(
        {
            "generator": {"name": Generator, "optimizer": {"name": partial(rule.plain_optimizer)}},
            "discriminator": {"name": Critic, "optimizer": {"name": partial(rule.plain_optimizer)}},
        },
        losses,
        device=setting.device,
        ncritic=rule.critic_steps,
        checkpoints=f"{folder}/torchgan/model",
        recon=folder,
    )
    # It trains the generator when its count of critic losses is divisible by `ncritic`: after the last step of a round here.
    critic_losses = len(losses) - 1
    trainer.loss_information["discriminator_iters"] = -(rule.critic_steps - 1) * critic_losses
    trainer.batch_size = setting.batch

    def iterate(batches: Sequence[Batch]) -> None:
        with default_dtype(setting.dtype):
            for real, latents, _ in batches:
                trainer.generator.latents = latents
                trainer.real_inputs = real
                generator_loss, critic_loss, critic_count, generator_count = _counts(trainer.train_iter())
                information = trainer.loss_information
                information["generator_losses"] += generator_loss
                information["discriminator_losses"] += critic_loss
                information["generator_iters"] += generator_count
                information["discriminator_iters"] += critic_count

    return iterate


def _counts(result: tuple[float, float, int, int]) -> tuple[float, float, int, int]:
    generator_loss, critic_loss, generator_count, critic_count = result
    return generator_loss, critic_loss, critic_count, generator_count


def _losses(rule: Rule) -> list[Any]:
    losses = peer_module("torchgan.losses")
    if rule.plain_critic is plain.logistic_critic:
        return [losses.MinimaxDiscriminatorLoss(), losses.MinimaxGeneratorLoss()]
    if rule.plain_critic is plain.wasserstein_critic:
        clip = None if rule.clip is None else (-rule.clip, rule.clip)
        return [losses.WassersteinDiscriminatorLoss(clip=clip), losses.WassersteinGeneratorLoss()]
    if rule.plain_critic is plain.penalized_critic:
        penalty = losses.WassersteinGradientPenalty(lambd=plain.PENALTY)
        return [losses.WassersteinDiscriminatorLoss(), penalty, losses.WassersteinGeneratorLoss()]
    if rule.plain_critic is plain.class_critic:
        raise PeerError("takes one label an image, and a second forward pass and step for it")
    raise PeerError("has no loss of this kind")
