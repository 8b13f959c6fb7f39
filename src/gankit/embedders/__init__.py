"""Floor 2: how a condition becomes a vector that reaches a network."""

from gankit.embedders._embedder import Embedder as Embedder
from gankit.embedders._label import LabelEmbedder as LabelEmbedder
from gankit.embedders._multi_hot import MultiHotEmbedder as MultiHotEmbedder
from gankit.embedders._one_hot import OneHotEmbedder as OneHotEmbedder
