"""One iteration with gankit: a round of updates, and the same with a fake that both networks share."""

from collections.abc import Sequence
from functools import partial

import torch

import gankit as gk
from benchmarks.step_throughput.cases import Rule
from benchmarks.step_throughput.named import Terms
from benchmarks.step_throughput.setting import Batch, Iteration, Networks, Setting


def played_round(
    rule: Rule, networks: Networks, setting: Setting, *, gradients: type[gk.training.Gradients] = gk.training.Eager
) -> Iteration:
    """`play_round` of two updates whose terms draw the fakes: the critic's without a graph, the generator's with one.

    Args:
        rule: The rule.
        networks: The networks, which are trained.
        setting: Number format and layout.
        gradients: The kind of part that computes gradients, such as `gankit.training.Compiled`.
    """
    critic = networks.critic

    def critic_terms(real: torch.Tensor, latents: torch.Tensor, labels: torch.Tensor | None) -> Terms:
        with setting.autocast():
            with torch.no_grad():
                fake = networks.draw(latents, labels)
            return rule.critic(critic, real, fake, labels)

    def generator_terms(real: torch.Tensor, latents: torch.Tensor, labels: torch.Tensor | None) -> Terms:
        with setting.autocast():
            return rule.generator(critic, real, networks.draw(latents, labels), labels)

    train_critic = gk.training.Update(
        rule.fast_optimizer(critic.parameters()), critic_terms, constraint=_clip(rule, networks), gradients=gradients()
    )
    train_generator = gk.training.Update(
        rule.fast_optimizer(networks.generator.parameters()), generator_terms, frozen=[critic], gradients=gradients()
    )
    round_ = gk.schedules.Round(rule.critic_steps)

    def iterate(batches: Sequence[Batch]) -> None:
        gk.training.play_round(round_, iter(batches), critic=train_critic, generator=train_generator)

    return iterate


def shared_fake(rule: Rule, networks: Networks, setting: Setting) -> Iteration:
    """The same updates with fakes as inputs; the generator's uses the fake of the last critic step."""
    critic = networks.critic

    def critic_terms(real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None) -> Terms:
        with setting.autocast():
            return rule.critic(critic, real, fake, labels)

    def generator_terms(real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None) -> Terms:
        with setting.autocast():
            return rule.generator(critic, real, fake, labels)

    train_critic = gk.training.Update(
        rule.fast_optimizer(critic.parameters()), critic_terms, constraint=_clip(rule, networks)
    )
    train_generator = gk.training.Update(
        rule.fast_optimizer(networks.generator.parameters()), generator_terms, frozen=[critic]
    )

    def iterate(batches: Sequence[Batch]) -> None:
        *earlier, (real, latents, labels) = batches
        for batch in earlier:
            with torch.no_grad(), setting.autocast():
                fake = networks.draw(batch.latents, batch.labels)
            train_critic(batch.real, fake, batch.labels)
        with setting.autocast():
            fake = networks.draw(latents, labels)
        train_critic(real, fake.detach(), labels)
        train_generator(real, fake, labels)

    return iterate


def _clip(rule: Rule, networks: Networks) -> partial[None] | None:
    return None if rule.clip is None else partial(gk.constraints.clip_weights_, networks.critic, rule.clip)
