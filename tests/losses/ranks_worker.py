"""One of several ranks that compute the losses of their part of a batch: `ranks_worker.py RANK WORLD FILE OUT`."""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed

from gankit import losses
from gankit.training import save_checkpoint

SAMPLES = 12

Parts = dict[str, torch.Tensor]


def batch() -> Parts:
    """Return the whole batch: two kinds of samples, their latents, and class ids of which some are missing."""
    rng = torch.Generator().manual_seed(6)
    sizes = {"real": 5, "fake": 5, "first_latents": 3, "second_latents": 3}
    parts = {name: torch.randn(SAMPLES, size, dtype=torch.float64, generator=rng) for name, size in sizes.items()}
    parts["labels"] = torch.tensor([0, 1, -1, 2, 2, 0, 1, 1, 0, -1, 2, 0])
    return parts


def parameters() -> Parts:
    """Return the weights that samples go through, with those that stand in for a critic's proxies."""
    rng = torch.Generator().manual_seed(7)
    weights = {
        "layer": torch.randn(5, 4, dtype=torch.float64, generator=rng),
        "proxies": torch.randn(3, 4, dtype=torch.float64, generator=rng),
    }
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def _relativistic(loss: Callable[..., torch.Tensor]) -> Callable[[Parts, Parts], torch.Tensor]:
    return lambda x, w: loss(losses.Logistic(), torch.tanh(x["real"] @ w["layer"]), torch.tanh(x["fake"] @ w["layer"]))


LOSSES: dict[str, Callable[[Parts, Parts], torch.Tensor]] = {
    "relativistic_average_critic_loss": _relativistic(losses.relativistic_average_critic_loss),
    "relativistic_average_generator_loss": _relativistic(losses.relativistic_average_generator_loss),
    "data_to_data_loss": lambda x, w: losses.data_to_data_loss(
        torch.tanh(x["fake"] @ w["layer"]), w["proxies"], x["labels"]
    ),
    "mean_feature_loss": lambda x, w: losses.mean_feature_loss(x["real"][:, :4], torch.tanh(x["fake"] @ w["layer"])),
    "mode_seeking_loss": lambda x, w: losses.mode_seeking_loss(
        torch.tanh(x["fake"] @ w["layer"]),
        torch.tanh(x["real"] @ w["layer"]),
        x["first_latents"],
        x["second_latents"],
    ),
}


def compute(name: str, part: slice) -> tuple[torch.Tensor, Parts]:
    """Return the loss of a part of the batch, and its gradients."""
    weights = parameters()
    loss = LOSSES[name]({key: whole[part] for key, whole in batch().items()}, weights)
    gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True, materialize_grads=True)
    return loss.detach(), dict(zip(weights, gradients, strict=True))


def main() -> None:
    """Compute every loss of the part of one rank, and save values and gradients."""
    rank, world, file, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    each = SAMPLES // world
    computed = {name: compute(name, slice(rank * each, (rank + 1) * each)) for name in LOSSES}
    save_checkpoint(out, {name: {"value": value, **gradients} for name, (value, gradients) in computed.items()})
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
