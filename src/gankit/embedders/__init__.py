"""Floor 2: labels and texts as vectors, which condition a network.

Groups:
    Labels: From class ids or tags to vectors, fixed or learned.
        OneHotEmbedder, MultiHotEmbedder, LabelEmbedder, MultipliedLabelEmbedder, MultipliedLatents, Embedder
    Texts: From texts to vectors, by counting, by a published model or by your own, and a table of vectors computed once.
        VectorTable, HashedNGrams, SentenceEncoder, SentenceModel, SkipThoughts, split_words, TextEncoder
    Projections of text vectors: From a long vector to a short condition, learned with the network.
        TextProjection, ConditioningAugmentation, ConditionDistribution
"""

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
