"""One of two ranks that shard a small WGAN over them, started by test_sharded.py: `sharded_worker.py RANK FILE FOLDER`."""

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from gankit.constraints import clip_weights_, gradient_penalty, zero_centered_penalty
from gankit.losses import Wasserstein, critic_loss, generator_loss
from gankit.training import (
    Accumulated,
    FiniteStepper,
    NonFiniteError,
    ScaledStepper,
    Stepper,
    Update,
    WeightAverage,
    load_checkpoint,
    load_network_state,
    network_state,
    save_checkpoint,
)
from gankit.training._ranks import sharded_modules

SAMPLES = 14
WORLD = 2
FORMS = ("penalty", "zero-centered", "clip", "accumulated", "generator first", "nested", "nested accumulated")
Batch = tuple[torch.Tensor, ...]


class Training:
    """A critic and a generator of several layers, and their updates, in one process or with shards."""

    def __init__(self, form: str, shard: Callable[[nn.Module], None] | None = None, seed: int = 5) -> None:
        torch.manual_seed(seed)
        critic = (nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, 5), nn.LayerNorm(5), nn.Softplus(), nn.Linear(5, 1))
        self.critic = nn.Sequential(*critic).double()
        self.generator = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
        self.form = form
        self.averages = [WeightAverage(self.generator, decay=0.7) for _ in range(2)]
        several = shard is not None
        if shard is not None:
            for network in (self.critic, self.generator, self.averages[1].network):
                layers = [layer for layer in network.children() if "nested" in form and isinstance(layer, nn.Linear)]
                for part in (*layers, network):
                    shard(part)
        self.fail = False
        self.train_critic = Update(
            torch.optim.Adam(self.critic.named_parameters(), lr=0.01),
            self.critic_terms,
            network=self.critic if several else None,
            constraint=partial(clip_weights_, self.critic, 0.3) if form == "clip" else None,
            gradients=Accumulated(3) if several and "accumulated" in form else None,
        )
        self.train_generator = Update(
            torch.optim.Adam(self.generator.named_parameters(), lr=0.01),
            lambda latents: {"loss": generator_loss(Wasserstein(), self.critic(self.generator(latents)))},
            network=self.generator if several else None,
            frozen=[self.critic],
        )

    def critic_terms(self, real: torch.Tensor, latents: torch.Tensor, mix: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the loss and the penalty of the form."""
        with torch.no_grad():
            fake = self.generator(latents)
        terms = {"loss": critic_loss(Wasserstein(), self.critic(real), self.critic(fake))}
        if self.form == "zero-centered":
            terms["penalty"] = 5 * zero_centered_penalty(self.critic, real) + zero_centered_penalty(self.critic, fake)
        elif self.form != "clip":
            terms["penalty"] = 10 * gradient_penalty(self.critic, real, fake, mix=mix)
        if self.fail:
            raise KeyError("terms")
        return terms

    def play(self, rounds: int, batch: Batch) -> None:
        """Play rounds of one critic and one generator update."""
        for _ in range(rounds):
            if self.form == "generator first":
                self.train_generator(batch[1])
            self.train_critic(*batch)
            if self.form != "generator first":
                self.train_generator(batch[1])
            for average in self.averages:
                average.update()
            self.critic(batch[0])  # whoever looks at scores between updates gathers the weights

    def state(self) -> dict[str, Any]:
        """Return everything, with whole tensors."""
        return {
            "critic": network_state(self.critic),
            "generator": network_state(self.generator),
            "train_critic": self.train_critic.state_dict(),
            "train_generator": self.train_generator.state_dict(),
            "averages": [average.state_dict() for average in self.averages],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take a state up."""
        load_network_state(self.critic, state["critic"])
        load_network_state(self.generator, state["generator"])
        self.train_critic.load_state_dict(state["train_critic"])
        self.train_generator.load_state_dict(state["train_generator"])
        for average, saved in zip(self.averages, state["averages"], strict=True):
            average.load_state_dict(saved)


def data() -> Batch:
    """Return the whole batch: real samples, latents and the shares of the penalty."""
    rng = torch.Generator().manual_seed(6)
    sizes = ((SAMPLES, 2), (SAMPLES, 3), (SAMPLES, 1))
    return tuple(torch.rand(size, dtype=torch.float64, generator=rng) for size in sizes)


def faults(shard: Callable[[nn.Module], None], part: Batch, rank: int) -> dict[str, Any]:
    """Train on after terms that raised and after NaN on one rank; tell what was raised."""
    training = Training("nested accumulated", shard)
    training.play(1, part)
    training.fail = True
    told: dict[str, Any] = {}
    try:
        training.train_critic(*part)
    except KeyError as error:
        told["raised"] = repr(error)
    training.fail = False
    training.play(1, part)
    before = network_state(training.critic)
    try:
        training.train_critic(part[0] * (math.nan if rank else 1.0), *part[1:])
    except NonFiniteError as error:
        told["refused"] = str(error)
    after = network_state(training.critic)
    told["unchanged"] = all(torch.equal(before[name], after[name]) for name in before)
    training.play(1, part)
    return told | {"state": training.state()}


def guarded(shard: Callable[[nn.Module], None], fused: bool, rank: int) -> dict[str, Any]:
    """Step as on a device, with NaN in the piece of one rank; return the weights before and after."""
    network = Training("clip", shard).critic
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, fused=fused)
    network(data()[0]).mean().backward()
    gradients: list[Any] = [parameter.grad for parameter in network.parameters()]
    before = {name: tensor.clone() for name, tensor in network_state(network).items()}
    if rank == 1:
        gradients[0].to_local()[0] = math.nan
    FiniteStepper()._step_on_device(optimizer, {"loss": torch.tensor(1.0)}, gradients)
    return {"before": before, "after": network_state(network)}


def clipped(shard: Callable[[nn.Module], None]) -> dict[str, Any]:
    """Take clipped steps with each stepper; return the weights, which are those of one process."""

    def stepped(stepper: Stepper) -> dict[str, torch.Tensor]:
        network = Training("clip", shard).critic
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        update = Update(optimizer, lambda x: {"loss": network(x).square().mean()}, network=network, stepper=stepper)
        for _ in range(2):
            update(data()[0])
        return network_state(network)

    told: dict[str, Any] = {}
    for name, limit in (("never", 1e3), ("always", 1e-2)):
        told[f"{name} finite"] = stepped(FiniteStepper(max_norm=limit))
        told[f"{name} scaled"] = stepped(ScaledStepper("cpu", max_norm=limit))
    return told


def main() -> None:
    """Run every form as one rank and save what came out."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    rank, file, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=WORLD)
    torch.set_num_threads(1)
    mesh = init_device_mesh("cpu", (WORLD,))

    def shard(network: nn.Module) -> None:
        fully_shard(network, mesh=mesh)

    each = SAMPLES // WORLD
    part = tuple(whole[rank * each : (rank + 1) * each] for whole in data())
    results: dict[str, Any] = {}
    for form in FORMS:
        training = Training(form, shard)
        training.play(3, part)
        results[form] = training.state()
    if rank == 0:
        save_checkpoint(folder / "shared.pt", results["nested"])
    distributed.barrier()
    resumed = Training("nested", shard, seed=11)
    resumed.critic(part[0])
    resumed.load(load_checkpoint(folder / "shared.pt"))
    resumed.play(2, part)
    results["resumed"] = resumed.state()
    results["pieces"] = [len(sharded_modules(network)) for network in (resumed.critic, resumed.generator)]
    results["faults"] = faults(shard, part, rank)
    results["guarded"] = {name: guarded(shard, name == "fused", rank) for name in ("fused", "plain")}
    results["clipped"] = clipped(shard)
    save_checkpoint(folder / f"rank-{rank}.pt", results)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
