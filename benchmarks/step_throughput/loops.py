"""One iteration in plain PyTorch: as tutorials write it, and tuned by hand."""

from collections.abc import Sequence

import torch

from benchmarks.step_throughput.cases import Rule
from benchmarks.step_throughput.setting import Batch, Iteration, Networks, Setting


def tutorial(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    """The loop of widely read tutorials: it computes generator graphs that are cut and critic gradients that are unused.

    With one critic step the samples serve both networks, as in PyTorch's DCGAN tutorial; with more they are drawn again
    from the last latents, as in PyTorch-GAN. It prints no losses.
    """
    critic = networks.critic
    critic_optimizer = rule.plain_optimizer(critic.parameters())
    generator_optimizer = rule.plain_optimizer(networks.generator.parameters())

    def iterate(batches: Sequence[Batch]) -> None:
        fake = torch.empty(0)
        for real, latents, labels in batches:
            critic_optimizer.zero_grad()
            with setting.autocast():
                fake = networks.draw(latents, labels)
                loss = rule.plain_critic(critic, real, fake.detach(), labels)
            loss.backward()
            critic_optimizer.step()
            if rule.clip is not None:
                for parameter in critic.parameters():
                    parameter.data.clamp_(-rule.clip, rule.clip)
        real, latents, labels = batches[-1]
        generator_optimizer.zero_grad()
        with setting.autocast():
            if rule.critic_steps > 1:
                fake = networks.draw(latents, labels)
            loss = rule.plain_generator(critic, real, fake, labels)
        loss.backward()
        generator_optimizer.step()

    return iterate


def hand_tuned(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    """The same arithmetic as an expert writes it: fakes without graphs, the last one shared, a frozen critic, fused steps."""
    critic = networks.critic
    critic_optimizer = rule.fast_optimizer(critic.parameters())
    generator_optimizer = rule.fast_optimizer(networks.generator.parameters())
    parameters = list(critic.parameters())

    def train_critic(real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None) -> None:
        critic_optimizer.zero_grad()
        with setting.autocast():
            loss = rule.plain_critic(critic, real, fake, labels)
        loss.backward()
        critic_optimizer.step()
        if rule.clip is not None:
            with torch.no_grad():
                for parameter in parameters:
                    parameter.clamp_(-rule.clip, rule.clip)

    def iterate(batches: Sequence[Batch]) -> None:
        *earlier, (real, latents, labels) = batches
        for batch in earlier:
            with torch.no_grad(), setting.autocast():
                fake = networks.draw(batch.latents, batch.labels)
            train_critic(batch.real, fake, batch.labels)
        with setting.autocast():
            fake = networks.draw(latents, labels)
        train_critic(real, fake.detach(), labels)
        critic.requires_grad_(False)
        generator_optimizer.zero_grad()
        with setting.autocast():
            loss = rule.plain_generator(critic, real, fake, labels)
        loss.backward()
        generator_optimizer.step()
        critic.requires_grad_(True)

    return iterate
