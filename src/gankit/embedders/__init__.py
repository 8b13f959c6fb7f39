"""Floor 2: labels and texts as vectors, which condition a network."""

from gankit.embedders._labels import MultiHotEmbedder as MultiHotEmbedder, OneHotEmbedder as OneHotEmbedder
from gankit.embedders._learned_labels import (
    Embedder as Embedder,
    LabelEmbedder as LabelEmbedder,
    MultipliedLabelEmbedder as MultipliedLabelEmbedder,
    MultipliedLatents as MultipliedLatents,
)
from gankit.embedders._skip_thoughts import SkipThoughts as SkipThoughts, split_words as split_words
from gankit.embedders._text_encoders import (
    HashedNGrams as HashedNGrams,
    SentenceEncoder as SentenceEncoder,
    SentenceModel as SentenceModel,
    TextEncoder as TextEncoder,
)
from gankit.embedders._text_projections import (
    ConditionDistribution as ConditionDistribution,
    ConditioningAugmentation as ConditioningAugmentation,
    TextProjection as TextProjection,
)
from gankit.embedders._vector_table import VectorTable as VectorTable
