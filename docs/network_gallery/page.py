"""Each network of the page in its published size: its layers and its cost; nothing is computed or downloaded."""

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
    """What the page says of one network.

    Args:
        kind: its class.
        shapes: what it was called with.
        side: of the square pictures that it draws, or that it reads if it draws none.
        products: multiplications of its layers for one picture.
        table: its layers.
    """

    kind: str
    shapes: tuple[tuple[int, ...], ...]
    side: int
    products: int
    table: LayerTable


def make_entries() -> dict[str, Entry]:
    """Build every network without numbers, list its layers, and count what they multiply."""
    entries: dict[str, Entry] = {}
    for name, (make, shapes) in NETWORKS.items():
        with torch.device("meta"):
            network = make()
            inputs = [torch.empty(shape) for shape in shapes]
        table = layer_table(network, *inputs)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            result = network(*inputs)
        picture = inputs[0] if inputs[0].ndim == 4 else result
        # The counter takes a product and its addition for two operations.
        entries[name] = Entry(
            kind=type(network).__name__,
            shapes=shapes,
            side=picture.shape[-1],
            products=counter.get_total_flops() // 2,
            table=table,
        )
    return entries


def fill(text: str, entries: dict[str, Entry]) -> str:
    """Return the page with each marked place filled by its table, and the overview by a line for each network.

    Raises:
        ValueError: A table has no place, a place has no table, or a name comes twice.
    """
    places = [name for _, name, _ in MARKED.findall(text)]
    if sorted(places) != sorted([OVERVIEW, *entries]):
        astray = sorted(set(places) ^ {OVERVIEW, *entries})
        raise ValueError(f"the page must have one place for each table, got {astray} astray")
    contents = {name: _folded(entry) for name, entry in entries.items()} | {OVERVIEW: _overview(entries)}
    return MARKED.sub(lambda match: f"{match[1]}\n{contents[match[2]]}\n\n{match[3]}", text)


def _folded(entry: Entry) -> str:
    """A box that opens on a click: the network in its title, the table in a listing."""
    inputs = ", ".join(str(shape) for shape in entry.shapes)
    lines = [f'??? info "{entry.kind}, called with {inputs}"', "", "    ```text"]
    lines += [f"    {line}".rstrip() for line in str(entry.table).splitlines()]
    return "\n".join([*lines, "    ```"])


def _overview(entries: dict[str, Entry]) -> str:
    """A table with a line for each network."""
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
