"""Floor 2: how a condition becomes a vector that reaches a network."""

from gankit.embedders._conditioning_augmentation import (
    ConditionDistribution as ConditionDistribution,
    ConditioningAugmentation as ConditioningAugmentation,
)
from gankit.embedders._embedder import Embedder as Embedder
from gankit.embedders._hashed_n_grams import HashedNGrams as HashedNGrams
from gankit.embedders._label import LabelEmbedder as LabelEmbedder
from gankit.embedders._multi_hot import MultiHotEmbedder as MultiHotEmbedder
from gankit.embedders._multiplied_label import MultipliedLabelEmbedder as MultipliedLabelEmbedder
from gankit.embedders._multiplied_latents import MultipliedLatents as MultipliedLatents
from gankit.embedders._one_hot import OneHotEmbedder as OneHotEmbedder
from gankit.embedders._sentence_encoder import SentenceEncoder as SentenceEncoder, SentenceModel as SentenceModel
from gankit.embedders._skip_thoughts import SkipThoughts as SkipThoughts, split_words as split_words
from gankit.embedders._text_encoder import TextEncoder as TextEncoder
from gankit.embedders._text_projection import TextProjection as TextProjection
from gankit.embedders._vector_table import VectorTable as VectorTable
