"""Rows of `gankit.embedders`."""

from gankit import embedders
from support.contract.row import Row

# Embedders take whole numbers and give floats: their tests say what holds for labels, so no row calls them with floats.
EMBEDDERS: dict[str, Row] = {
    "Embedder": Row(make=lambda: embedders.Embedder),
    "OneHotEmbedder": Row(make=lambda: embedders.OneHotEmbedder((12, 11))),
    "MultiHotEmbedder": Row(make=lambda: embedders.MultiHotEmbedder(23)),
    "LabelEmbedder": Row(make=lambda: embedders.LabelEmbedder((12, 11), 8)),
}
