"""All parts together learn something: a small GAN moves its samples onto a circle."""

import math
from collections.abc import Iterator

import torch
from torch import nn

from gankit.constraints import zero_centered_penalty
from gankit.losses import Logistic, critic_loss, generator_loss
from gankit.schedules import Round
from gankit.training import Update, WeightAverage, play_round

BATCH = 64


def _circle() -> Iterator[torch.Tensor]:
    while True:
        angle = 2 * math.pi * torch.rand(BATCH)
        yield torch.stack((angle.cos(), angle.sin()), dim=1)


def _mlp(outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, outputs)
    )


def _distance(generator: nn.Module) -> float:
    latents = torch.randn(500, 2, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return (generator(latents).norm(dim=1) - 1).abs().mean().item()


def test_samples_of_the_averaged_generator_move_onto_the_circle() -> None:
    generator, critic, objective = _mlp(2), _mlp(1), Logistic()

    def critic_terms(real: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, 2))
        return {
            "loss": critic_loss(objective, critic(real), critic(fake)),
            "penalty": 0.1 * zero_centered_penalty(critic, real),
        }

    train_critic = Update(torch.optim.Adam(critic.parameters(), 1e-2, (0.0, 0.9)), critic_terms)
    train_generator = Update(
        torch.optim.Adam(generator.parameters(), 5e-3, (0.0, 0.9)),
        lambda _: {"loss": generator_loss(objective, critic(generator(torch.randn(BATCH, 2))))},
        frozen=[critic],
    )
    average = WeightAverage(generator, decay=0.95)
    start = _distance(average.network)
    batches = _circle()
    for _ in range(250):
        play_round(Round(), batches, critic=train_critic, generator=train_generator)
        average.update()
    # Over six seeds: 0.73 to 0.90 at the start, 0.076 to 0.081 at the end.
    assert start > 0.5
    assert _distance(average.network) < 0.15
