"""One of several ranks that train a GAN of the table, compiled: `compiled_worker.py NAME FORM RANK WORLD FILE OUT`."""

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from support.update_nets import SGD, Gan, play, updates
from torch import distributed, nn

from gankit.training import Accumulated, AveragedOverRanks, Compiled, Eager, Gradients, broadcast_state, save_checkpoint

SIZES = (8, 8, 4)


class _Refused(nn.Module):
    """A layer that raises on one rank."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if distributed.get_rank() == 1:
            raise ValueError("this rank has no such layer")
        return self.layer(x)


def _part(form: str) -> Gradients:
    """The gradient part of an update; in the form ``"one cannot"`` the compiler of one rank fails."""

    def failing(graph: Any, inputs: Any) -> Any:
        del inputs
        if distributed.get_rank() == 1:
            raise RuntimeError("this rank has no compiler")
        return graph.forward

    if form in ("bare", "eager"):
        return Eager() if form == "bare" else AveragedOverRanks(Eager())
    compiled = Compiled(backend=failing if form == "one cannot" else "aot_eager")
    if form == "averaged parts":
        return Accumulated(2, gradients=AveragedOverRanks(compiled))
    return AveragedOverRanks(Accumulated(2, gradients=compiled) if form == "parts" else compiled)


def main() -> None:
    """Train as one rank; save the networks' state and the warnings, or the error."""
    name, form, file, out = sys.argv[1], sys.argv[2], sys.argv[5], sys.argv[6]
    rank, world = int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    gan = Gan(name, whole=False)
    with torch.no_grad():
        for parameter in [*gan.critic.parameters(), *gan.generator.parameters()]:
            parameter.add_(rank)
    if form == "failing":
        gan.critic.insert(0, _Refused(nn.Identity()))  # pyright: ignore[reportCallIssue]
    if form != "unequal":
        broadcast_state([gan.critic, gan.generator])
    try:
        both = updates(gan, lambda: _part(form), optimizer=SGD)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            play(gan, both, SIZES, part=lambda tensor: tensor.chunk(world)[rank])
        save_checkpoint(Path(out), (gan.state(), [str(one.message) for one in seen]))
    except ValueError as error:
        save_checkpoint(Path(out), str(error))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
