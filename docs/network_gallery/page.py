"""Each network of the page in its published size: its layers and its cost. Nothing is downloaded."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gankit.embedders import MultiHotEmbedder
from gankit.networks import (
    DCGANCritic,
    DCGANGenerator,
    JoinedCritic,
    LayerTable,
    MakeGirlsMoeCritic,
    MakeGirlsMoeGenerator,
    PatchGANCritic,
    R3GANCritic,
    R3GANGenerator,
    ResidualCritic,
    ResidualGenerator,
    StarGANCritic,
    StarGANGenerator,
    UNetColorizer,
    layer_table,
)

PAGE = Path(__file__).resolve().parents[1] / "guides" / "networks.md"
MARKED = re.compile(r"(<!-- network (\w+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
OVERVIEW = "overview"
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...]]] = {
    "dcgan_generator": (DCGANGenerator, ((1, 100),)),
    "dcgan_critic": (DCGANCritic, ((1, 3, 64, 64),)),
    "joined_critic": (lambda: JoinedCritic(embedder=MultiHotEmbedder(23)), ((1, 3, 64, 64), (1, 23))),
    "residual_generator": (ResidualGenerator, ((1, 128),)),
    "residual_critic": (ResidualCritic, ((1, 3, 64, 64),)),
    "make_girls_moe_generator": (
        lambda: MakeGirlsMoeGenerator(embedder=MultiHotEmbedder(34)),
        ((1, 128), (1, 34)),
    ),
    "make_girls_moe_critic": (lambda: MakeGirlsMoeCritic(num_classes=34), ((1, 3, 128, 128),)),
    "unet_colorizer": (UNetColorizer, ((1, 1, 64, 64),)),
    "patchgan_critic": (PatchGANCritic, ((1, 3, 256, 256),)),
    "stargan_generator": (
        lambda: StarGANGenerator(embedder=MultiHotEmbedder(5)),
        ((1, 3, 128, 128), (1, 5)),
    ),
    "stargan_critic": (StarGANCritic, ((1, 3, 128, 128),)),
    "r3gan_generator": (R3GANGenerator, ((1, 64),)),
    "r3gan_critic": (R3GANCritic, ((1, 3, 64, 64),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the page says about one network.

    Args:
        kind: Its class.
        shapes: The shapes of its inputs.
        side: The height of the square pictures that it generates or, if it generates none, takes.
        products: Multiplications of its layers for one picture.
        table: Its layers.
    """

    kind: str
    shapes: tuple[tuple[int, ...], ...]
    side: int
    products: int
    table: LayerTable


def make_entries() -> dict[str, Entry]:
    """Build every network on the ``meta`` device, list its layers, and count their multiplications."""
    entries: dict[str, Entry] = {}
    for name, (make, shapes) in NETWORKS.items():
        with torch.device("meta"):
            network = make()
            inputs = [torch.empty(shape) for shape in shapes]
        table = layer_table(network, *inputs)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            result = network(*inputs)
        picture = inputs[0] if inputs[0].ndim == 4 else result
        # The counter counts a product and its addition as two operations.
        entries[name] = Entry(
            kind=type(network).__name__,
            shapes=shapes,
            side=picture.shape[-1],
            products=counter.get_total_flops() // 2,
            table=table,
        )
    return entries


def fill(text: str, entries: dict[str, Entry]) -> str:
    """Return the page with a table at each marked place, and an overview with one line per network.

    Raises:
        ValueError: A table has no place, a place has no table, or a name is repeated.
    """
    places = [name for _, name, _ in MARKED.findall(text)]
    if sorted(places) != sorted([OVERVIEW, *entries]):
        astray = sorted(set(places) ^ {OVERVIEW, *entries})
        raise ValueError(f"the page must have one place for each table; without a partner are {astray}")
    contents = {name: _folded(entry) for name, entry in entries.items()} | {OVERVIEW: _overview(entries)}
    return MARKED.sub(lambda match: f"{match[1]}\n{contents[match[2]]}\n\n{match[3]}", text)


def _folded(entry: Entry) -> str:
    """A box that opens on a click: the title names the network, the box has the table."""
    inputs = ", ".join(str(shape) for shape in entry.shapes)
    lines = [f'??? info "{entry.kind}, called with {inputs}"', "", "    ```text"]
    lines += [f"    {line}".rstrip() for line in str(entry.table).splitlines()]
    return "\n".join([*lines, "    ```"])


def _overview(entries: dict[str, Entry]) -> str:
    """A table with one line per network."""
    lines = [
        '<div class="names" markdown>',
        "",
        "| Network | Pictures | Parameters | Multiplications |",
        "|---|---|--:|--:|",
    ]
    for entry in entries.values():
        link = f"[`{entry.kind}`][gankit.networks.{entry.kind}]"
        millions, billions = entry.table.parameters / 1e6, entry.products / 1e9
        lines.append(f"| {link} | {entry.side} x {entry.side} | {millions:.1f} M | {billions:.2f} G |")
    return "\n".join([*lines, "", "</div>"])
