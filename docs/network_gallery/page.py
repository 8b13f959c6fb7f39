"""Each network of the page in its published size, and its table of layers; nothing is computed or downloaded."""

import re
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

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


def make_tables() -> dict[str, LayerTable]:
    """Build every network without numbers, and list its layers."""
    tables: dict[str, LayerTable] = {}
    for name, (make, shapes) in NETWORKS.items():
        with torch.device("meta"):
            tables[name] = layer_table(make(), *(torch.empty(shape) for shape in shapes))
    return tables


def fill(text: str, tables: dict[str, LayerTable]) -> str:
    """Return the page with each marked place filled by its table.

    Raises:
        ValueError: A table has no place, a place has no table, or a name comes twice.
    """
    places = [name for _, name, _ in MARKED.findall(text)]
    if sorted(places) != sorted(tables):
        raise ValueError(f"the page must have one place for each table, got {sorted(set(places) ^ set(tables))} astray")
    return MARKED.sub(lambda match: f"{match[1]}\n{_folded(tables[match[2]])}\n\n{match[3]}", text)


def _folded(table: LayerTable) -> str:
    """A box that opens on a click: the sum in its title, the table in a listing."""
    lines = [f'??? info "{len(table.rows)} calls of layers, {table.parameters:,} parameters"', "", "    ```text"]
    lines += [f"    {line}".rstrip() for line in str(table).splitlines()]
    return "\n".join([*lines, "    ```"])
