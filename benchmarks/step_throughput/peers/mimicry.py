"""torch-mimicry: the `train_step` of its base classes."""

from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.step_throughput import plain
from benchmarks.step_throughput.cases import Rule
from benchmarks.step_throughput.peers.stand_ins import PeerError, default_dtype, peer_module
from benchmarks.step_throughput.setting import Batch, Iteration, Networks, Setting

NOTE = "its non-saturating loss is -log(sigmoid(score) + 1e-8)"


def build(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    """Return an iteration: a `train_step` of its discriminator for each batch, then one of its generator."""
    bases = _bases(rule)
    with default_dtype(setting.dtype):
        generator, critic = (kind(network, rule) for kind, network in zip(bases, _parts(networks), strict=True))
    critic_optimizer = rule.plain_optimizer(critic.parameters())
    generator_optimizer = rule.plain_optimizer(generator.parameters())
    log = peer_module("torch_mimicry.training.metric_log").MetricLog()

    def iterate(batches: Sequence[Batch]) -> None:
        with default_dtype(setting.dtype):
            for real, latents, _ in batches:
                generator.latents = latents
                step = {"real_batch": (real, None), "log_data": log, "device": setting.device}
                critic.train_step(netG=generator, optD=critic_optimizer, **step)
            generator.train_step(
                real_batch=(batches[-1].real, None),
                netD=critic,
                optG=generator_optimizer,
                log_data=log,
                device=setting.device,
            )

    return iterate


def _parts(networks: Networks) -> tuple[torch.nn.Module, torch.nn.Module]:
    return networks.generator, networks.critic


def _bases(rule: Rule) -> tuple[Any, Any]:
    if rule.clip is not None:
        raise PeerError("has no weight clipping")
    if rule.plain_critic is plain.logistic_critic:
        module, names, loss = "torch_mimicry.nets.gan.gan", ("BaseGenerator", "BaseDiscriminator"), "ns"
    elif rule.plain_critic is plain.penalized_critic:
        names, loss = ("WGANGPBaseGenerator", "WGANGPBaseDiscriminator"), "wasserstein"
        module = "torch_mimicry.nets.wgan_gp.wgan_gp_base"
    else:
        raise PeerError("has no loss of this kind")
    found = peer_module(module)
    generator_base, critic_base = (getattr(found, name) for name in names)

    class Generator(generator_base):
        def __init__(self, network: torch.nn.Module, rule: Rule) -> None:
            del rule
            super().__init__(nz=1, ngf=1, bottom_width=1, loss_type=loss)
            self.network = network
            self.latents = torch.empty(0)

        def generate_images(self, num_images: int, device: object = None) -> torch.Tensor:
            del num_images, device  # all loops of the table use the same latents
            return self.network(self.latents)

        def forward(self, latents: torch.Tensor) -> torch.Tensor:
            return self.network(latents)

    class Critic(critic_base):
        def __init__(self, network: torch.nn.Module, rule: Rule) -> None:
            own = {"gp_scale": plain.PENALTY} if rule.plain_critic is plain.penalized_critic else {}
            super().__init__(ndf=1, loss_type=loss, **own)
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.network(images).unsqueeze(1)

    return Generator, Critic
