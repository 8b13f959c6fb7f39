"""One of several ranks that train a GAN of the table, compiled: `compiled_worker.py NAME FORM RANK WORLD FILE OUT`."""

import sys
from pathlib import Path

import torch
from support.update_nets import SGD, Gan, play, updates
from torch import distributed, nn

from gankit.training import Accumulated, Compiled, Eager, save_checkpoint

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


def _compiled() -> Compiled:
    return Compiled(backend="aot_eager")


FORMS = {"eager": Eager, "parts": lambda: Accumulated(2, gradients=_compiled())}


def main() -> None:
    """Train as one rank; save the networks' state, or the error."""
    name, form, file, out = sys.argv[1], sys.argv[2], sys.argv[5], sys.argv[6]
    rank, world = int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=world)
    gan = Gan(name, whole=False)
    with torch.no_grad():
        for parameter in [*gan.critic.parameters(), *gan.generator.parameters()]:
            parameter.add_(rank)  # the first call must make them equal
    if form == "failing":
        gan.critic.insert(0, _Refused(nn.Identity()))  # pyright: ignore[reportCallIssue]
    both = updates(gan, FORMS.get(form, _compiled), optimizer=SGD)
    try:
        play(gan, both, SIZES, part=lambda tensor: tensor.chunk(world)[rank])
        save_checkpoint(Path(out), gan.state())
    except ValueError as error:
        save_checkpoint(Path(out), str(error))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
