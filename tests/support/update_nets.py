"""Small GANs in float64, one table: every way to compute gradients or to step must train each of them as `Eager` does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gankit.blocks import LeakyReLU, SelfAttention2d
from gankit.constraints import gradient_penalty
from gankit.embedders import LabelEmbedder, MultiHotEmbedder
from gankit.losses import Logistic, critic_loss, generator_loss
from gankit.networks import JoinedCritic, ResidualCritic
from gankit.training import Gradients, Stepper, Update

LATENTS = 5
CLASSES = (3, 2)
TAGS = 7


@dataclass(frozen=True, kw_only=True)
class Case:
    """A critic of 3 x 8 x 8 pictures.

    Args:
        critic: Builds it.
        condition: What it takes beside pictures: nothing, "classes" or "tags".
        draws: It draws random numbers in its forward pass, as dropout does.
    """

    critic: Callable[[], nn.Module]
    condition: str = ""
    draws: bool = False


_LEAKY = partial(nn.LeakyReLU, 0.2)


def _convolutions(
    norm: Callable[[int], nn.Module] = nn.Identity,
    *,
    activation: Callable[[], nn.Module] = _LEAKY,
    last: Callable[[int], nn.Module] = nn.Identity,
    wrap: Callable[[nn.Module], nn.Module] = lambda layer: layer,
) -> nn.Module:
    # No bias before a norm: its gradient is rounding alone, which Adam makes a step of full size.
    return nn.Sequential(
        wrap(nn.Conv2d(3, 4, 3, padding=1)),
        activation(),
        wrap(nn.Conv2d(4, 6, 4, 2, 1, bias=norm is nn.Identity)),
        norm(6),
        activation(),
        last(6),
        wrap(nn.Conv2d(6, 1, 4)),
        nn.Flatten(0),
    )


CASES: dict[str, Case] = {
    "no norm": Case(critic=_convolutions),
    "gankit activation": Case(critic=partial(_convolutions, activation=LeakyReLU)),
    "smooth": Case(critic=partial(_convolutions, activation=nn.SiLU)),
    "instance norm": Case(critic=partial(_convolutions, partial(nn.InstanceNorm2d, affine=True))),
    "group norm": Case(critic=partial(_convolutions, partial(nn.GroupNorm, 2))),
    "layer norm": Case(critic=partial(_convolutions, lambda _: nn.LayerNorm([6, 4, 4]))),
    "spectral norm": Case(critic=partial(_convolutions, wrap=spectral_norm)),
    "dropout": Case(critic=partial(_convolutions, last=lambda _: nn.Dropout2d(0.3)), draws=True),
    "attention": Case(critic=partial(_convolutions, last=SelfAttention2d)),
    "residual": Case(critic=partial(ResidualCritic, resolution=8, width=3)),
    "embedder": Case(
        critic=lambda: ResidualCritic(resolution=8, width=2, embedder=LabelEmbedder(CLASSES, 5)), condition="classes"
    ),
    "joined tags": Case(
        critic=lambda: JoinedCritic(
            embedder=MultiHotEmbedder(TAGS), resolution=8, width=3, mixing=5, norm=partial(nn.GroupNorm, 1)
        ),
        condition="tags",
    ),
}
SEPARATE = [name for name, case in CASES.items() if not case.draws]
"""Cases whose samples are treated separately if the generator has no batch norm: a batch may be split."""


class Gan:
    """A critic of the table, a generator, and terms with the penalty of WGAN-GP.

    The loss is logistic, so that no bias has a gradient of zero.

    Args:
        name: The case.
        whole: The generator has batch norm, and the terms draw latents and the penalty's shares themselves. Otherwise samples
            are treated separately and all draws are inputs, so that the batch may be split over parts and ranks.
    """

    def __init__(self, name: str, *, whole: bool = True, dtype: torch.dtype = torch.float64) -> None:
        torch.manual_seed(11)
        self.case = CASES[name]
        self.whole = whole
        self.dtype = dtype
        self.critic = self.case.critic().to(dtype)
        self.generator = nn.Sequential(
            nn.Unflatten(1, (LATENTS, 1, 1)),
            nn.ConvTranspose2d(LATENTS, 6, 4, bias=not whole),
            nn.BatchNorm2d(6) if whole else nn.Identity(),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 3, 4, 2, 1),
            nn.Tanh(),
        ).to(dtype)

    def batch(self, size: int, seed: int) -> tuple[torch.Tensor, ...]:
        """Return the inputs of both terms: pictures, labels, and the draws if the terms take them."""
        rng = torch.Generator().manual_seed(seed)
        real = torch.rand(size, 3, 8, 8, generator=rng, dtype=self.dtype) * 2 - 1
        columns = [torch.randint(count, (size,), generator=rng) for count in CLASSES]
        labels = torch.stack(columns, 1) if self.case.condition == "classes" else _tags(size, rng)
        if self.whole:
            return real, labels
        latents = torch.randn(size, LATENTS, generator=rng, dtype=self.dtype)
        return real, labels, latents, torch.rand(size, 1, 1, 1, generator=rng, dtype=self.dtype)

    def critic_terms(self, real: torch.Tensor, labels: torch.Tensor, *draws: torch.Tensor) -> Any:
        """Return costs and readings of the critic."""
        with torch.no_grad():
            fake = self._fake(real, draws)
        scores = self._score(real, labels)
        mix = None if self.whole else draws[1]
        penalty = gradient_penalty(lambda x: self._score(x, labels), real, fake, mix=mix)
        costs = {"loss": critic_loss(Logistic(), scores, self._score(fake, labels)), "penalty": 10 * penalty}
        return costs, {"real": scores.mean()}

    def generator_terms(self, real: torch.Tensor, labels: torch.Tensor, *draws: torch.Tensor) -> Any:
        """Return the cost of the generator."""
        return {"loss": generator_loss(Logistic(), self._score(self._fake(real, draws), labels))}

    def state(self) -> dict[str, torch.Tensor]:
        """Return copies of all parameters and buffers."""
        networks = {"critic": self.critic, "generator": self.generator}
        return {
            f"{n}.{key}": one.detach().clone() for n, net in networks.items() for key, one in net.state_dict().items()
        }

    def _fake(self, real: torch.Tensor, draws: Sequence[torch.Tensor]) -> torch.Tensor:
        if draws:
            return self.generator(draws[0])
        return self.generator(torch.randn(len(real), LATENTS, dtype=real.dtype, device=real.device))

    def _score(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.critic(images, labels) if self.case.condition else self.critic(images)


def _tags(size: int, rng: torch.Generator) -> torch.Tensor:
    return torch.randint(2, (size, TAGS), generator=rng)


ADAM = partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.9))
SGD = partial(torch.optim.SGD, lr=2e-3)


def updates(
    gan: Gan,
    gradients: Callable[[], Gradients | None] = lambda: None,
    *,
    stepper: Callable[[], Stepper | None] = lambda: None,
    optimizer: Callable[..., torch.optim.Optimizer] = ADAM,
    networks: bool = False,
) -> tuple[Update, Update]:
    """Return the updates of critic and generator, each with its own gradient part and stepper.

    Args:
        gan: The networks and terms.
        gradients: Builds a gradient part.
        stepper: Builds a stepper.
        optimizer: Builds an optimizer from parameters.
        networks: Pass the networks as ``network=`` too.
    """
    critic, generator = gan.critic, gan.generator
    train_critic = Update(
        optimizer(critic.parameters()),
        gan.critic_terms,
        network=critic if networks else None,
        gradients=gradients(),
        stepper=stepper(),
    )
    train_generator = Update(
        optimizer(generator.parameters()),
        gan.generator_terms,
        network=generator if networks else None,
        frozen=[critic],
        gradients=gradients(),
        stepper=stepper(),
    )
    return train_critic, train_generator


def play(
    gan: Gan,
    both: tuple[Update, Update],
    sizes: Sequence[int] = (7, 7, 5),
    *,
    part: Callable[[torch.Tensor], torch.Tensor] = lambda tensor: tensor,
) -> list[dict[str, torch.Tensor]]:
    """Update the critic, then the generator, with one batch of each size, and return what each update logged.

    `part` takes a rank's own samples of each tensor of a batch. The random numbers of two plays are the same.
    """
    torch.manual_seed(3)
    logged: list[dict[str, torch.Tensor]] = []
    for number, size in enumerate(sizes):
        batch = tuple(part(tensor) for tensor in gan.batch(size, number))
        logged += [update(*batch) for update in both]
    return logged


def trained(
    name: str, gradients: Callable[[], Gradients | None] = lambda: None, *, whole: bool = True, **options: Any
) -> tuple[dict[str, torch.Tensor], list[dict[str, torch.Tensor]]]:
    """Build the case, train it for three rounds, the last one with a smaller batch, and return its state and log."""
    gan = Gan(name, whole=whole)
    logged = play(gan, updates(gan, gradients, **options))
    return gan.state(), logged
