"""One iteration with gankit: a round of updates, and the same with a fake that both networks share."""

from collections.abc import Callable, Sequence
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

    train_critic, train_generator = _updates(rule, networks, critic_terms, generator_terms, gradients)
    round_ = gk.schedules.Round(rule.critic_steps)

    def iterate(batches: Sequence[Batch]) -> None:
        gk.training.play_round(round_, iter(batches), critic=train_critic, generator=train_generator)

    return iterate


def shared_fake(
    rule: Rule, networks: Networks, setting: Setting, *, gradients: type[gk.training.Gradients] = gk.training.Eager
) -> Iteration:
    """The same updates with fakes as inputs; the generator's uses the fake of the last critic step.

    The arguments are those of `played_round`. Fakes are drawn eagerly, whatever computes the gradients.
    """
    critic = networks.critic

    def critic_terms(real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None) -> Terms:
        with setting.autocast():
            return rule.critic(critic, real, fake, labels)

    def generator_terms(real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None) -> Terms:
        with setting.autocast():
            return rule.generator(critic, real, fake, labels)

    train_critic, train_generator = _updates(rule, networks, critic_terms, generator_terms, gradients)

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


def _updates(
    rule: Rule,
    networks: Networks,
    critic_terms: Callable[..., Terms],
    generator_terms: Callable[..., Terms],
    gradients: type[gk.training.Gradients],
) -> tuple[gk.training.Update, gk.training.Update]:
    critic, generator = networks.critic, networks.generator
    critic_optimizer, generator_optimizer = map(rule.fast_optimizer, (critic.parameters(), generator.parameters()))
    return (
        gk.training.Update(critic_optimizer, critic_terms, constraint=_clip(rule, networks), gradients=gradients()),
        gk.training.Update(generator_optimizer, generator_terms, frozen=[critic], gradients=gradients()),
    )


def _clip(rule: Rule, networks: Networks) -> partial[None] | None:
    return None if rule.clip is None else partial(gk.constraints.clip_weights_, networks.critic, rule.clip)
