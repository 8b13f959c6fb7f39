"""One of several ranks of a small WGAN-GP, started by test_ranks.py: `ranks_worker.py FORM RANK WORLD FILE OUT`."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss, generator_loss
from gankit.training import Accumulated, Update, network_state, save_checkpoint

SAMPLES = 12


def networks() -> tuple[nn.Module, nn.Module]:
    """Return critic and generator with the same weights on every rank."""
    torch.manual_seed(5)
    critic = nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, 1)).double()
    generator = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    return critic, generator


def data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the whole batch: real samples, latents and the shares of the penalty."""
    rng = torch.Generator().manual_seed(6)
    sizes = ((SAMPLES, 2), (SAMPLES, 3), (SAMPLES, 1))
    real, latents, mix = (torch.rand(size, dtype=torch.float64, generator=rng) for size in sizes)
    return real, latents, mix


def train(form: str, critic: nn.Module, generator: nn.Module, part: slice) -> None:
    """Play three rounds of one critic and one generator update on a part of the batch."""
    inner: Any = getattr(critic, "module", critic)
    called = inner if form == "inner" else critic

    def critic_terms(real: torch.Tensor, latents: torch.Tensor, mix: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = generator(latents)
        fake_scores = inner(fake) if form == "mixed" else called(fake)
        terms = {"loss": critic_loss(Wasserstein(), called(real), fake_scores)}
        terms["penalty"] = 10 * gradient_penalty(called, real, fake, mix=mix)
        return terms

    def generator_terms(latents: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": generator_loss(Wasserstein(), critic(generator(latents)))}

    train_critic = Update(
        torch.optim.Adam(critic.named_parameters(), lr=0.01),
        critic_terms,
        network=None if form == "missing" else critic,
        gradients=Accumulated(3) if form == "accumulated" else None,
    )
    train_generator = Update(
        torch.optim.Adam(generator.parameters(), lr=0.01), generator_terms, network=generator, frozen=[critic]
    )
    real, latents, mix = (whole[part] for whole in data())
    for _ in range(3):
        train_critic(real, latents, mix)
        train_generator(latents)


def main() -> None:
    """Train as one rank; save the networks' states, or the error."""
    form, rank, world, file, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], Path(sys.argv[5])
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    torch.set_num_threads(1)
    critic, generator = (DistributedDataParallel(n, static_graph=form == "static") for n in networks())
    if form == "bare":
        critic = critic.module
    each = SAMPLES // world
    try:
        train(form, critic, generator, slice(rank * each, (rank + 1) * each))
        save_checkpoint(out, {"critic": network_state(critic), "generator": network_state(generator)})
    except ValueError as error:
        save_checkpoint(out, str(error))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
