"""One iteration of a recipe, written like a tutorial and with gankit."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch

import gankit as gk
from benchmarks.recipes import PENALTY, Batch, Networks, Recipe, Setting

Iteration: TypeAlias = Callable[[Sequence[Batch]], None]
Form: TypeAlias = Callable[[Recipe, Networks, Setting], Iteration]


def tutorial(recipe: Recipe, networks: Networks, setting: Setting) -> Iteration:
    """The loop of widely read tutorials: it computes generator graphs that are cut and critic gradients that are unused.

    With one critic step the samples serve both networks, as in PyTorch's DCGAN tutorial; with more they are drawn again
    from the last latents, as in PyTorch-GAN. It prints no losses.
    """
    generator, critic = networks.generator, networks.critic
    critic_optimizer = recipe.plain_optimizer(critic.parameters())
    generator_optimizer = recipe.plain_optimizer(generator.parameters())

    def iterate(batches: Sequence[Batch]) -> None:
        fake = latents = torch.empty(0)
        for real, latents in batches:
            critic_optimizer.zero_grad()
            with setting.autocast():
                fake = generator(latents)
                loss = recipe.plain_critic_loss(critic(real), critic(fake.detach()))
                if recipe.penalty:
                    loss = loss + PENALTY * _tutorial_penalty(critic, real, fake.detach())
            loss.backward()
            critic_optimizer.step()
            if recipe.clip is not None:
                for parameter in critic.parameters():
                    parameter.data.clamp_(-recipe.clip, recipe.clip)
        generator_optimizer.zero_grad()
        with setting.autocast():
            if recipe.critic_steps > 1:
                fake = generator(latents)
            loss = recipe.plain_generator_loss(critic(fake))
        loss.backward()
        generator_optimizer.step()

    return iterate


def played_round(recipe: Recipe, networks: Networks, setting: Setting) -> Iteration:
    """The round of gankit: the critic's fakes without graphs, the critic frozen in the generator's update, fast optimizers."""
    generator = networks.generator

    def fake_without_graph(latents: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), setting.autocast():
            return generator(latents)

    def fake_with_graph(latents: torch.Tensor) -> torch.Tensor:
        with setting.autocast():
            return generator(latents)

    train_critic, train_generator = _updates(recipe, networks, setting)
    round_ = gk.schedules.Round(recipe.critic_steps)

    def iterate(batches: Sequence[Batch]) -> None:
        gk.training.play_round(
            round_,
            iter(batches),
            critic=lambda real, latents: train_critic(real, fake_without_graph(latents)),
            generator=lambda _, latents: train_generator(fake_with_graph(latents)),
        )

    return iterate


def shared_fake(recipe: Recipe, networks: Networks, setting: Setting) -> Iteration:
    """The same, and the generator's step uses the samples of the last critic step."""
    train_critic, train_generator = _updates(recipe, networks, setting)

    def iterate(batches: Sequence[Batch]) -> None:
        *earlier, (last_real, last_latents) = batches
        for real, latents in earlier:
            with torch.no_grad(), setting.autocast():
                fake = networks.generator(latents)
            train_critic(real, fake)
        with setting.autocast():
            fake = networks.generator(last_latents)
        train_critic(last_real, fake.detach())
        train_generator(fake)

    return iterate


def _updates(recipe: Recipe, networks: Networks, setting: Setting) -> tuple[gk.training.Update, gk.training.Update]:
    critic = networks.critic

    def critic_terms(real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        with setting.autocast():
            terms = {"loss": gk.losses.critic_loss(recipe.objective, critic(real), critic(fake))}
            if recipe.penalty:
                terms["penalty"] = PENALTY * gk.constraints.gradient_penalty(critic, real, fake)
        return terms

    def generator_terms(fake: torch.Tensor) -> dict[str, torch.Tensor]:
        with setting.autocast():
            return {"loss": gk.losses.generator_loss(recipe.objective, critic(fake))}

    train_critic = gk.training.Update(
        recipe.fast_optimizer(critic.parameters()),
        critic_terms,
        constraint=None if recipe.clip is None else partial(gk.constraints.clip_weights_, critic, recipe.clip),
    )
    train_generator = gk.training.Update(
        recipe.fast_optimizer(networks.generator.parameters()), generator_terms, frozen=[critic]
    )
    return train_critic, train_generator


def _tutorial_penalty(
    critic: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor
) -> torch.Tensor:
    share = torch.rand(real.size(0), 1, 1, 1, device=real.device, dtype=real.dtype)
    points = (share * real + (1 - share) * fake).requires_grad_(True)
    scores = critic(points)
    gradients = torch.autograd.grad(scores, points, torch.ones_like(scores), create_graph=True, retain_graph=True)[0]
    return ((gradients.reshape(gradients.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()
