"""The options of `acgan` (report E)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from examples.anime_faces.recipes._options import check_numbers

EmbeddingForm = Literal["joined", "product", "noise_product", "norms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `acgan` (report E)."""

    EARLIER: ClassVar[Mapping[str, Any]] = {"fakes": "train"}
    """What runs did that were begun before these options existed."""

    batch_size: int = 128
    """Pictures in the generator's batch; each of the critic's two steps has half as many."""
    width: int = 64
    """Channels of the layers next to the picture."""
    embedding: int = 8
    """Numbers in the embedding of each attribute; noise_product has as many as the noise, 100."""
    embedding_form: EmbeddingForm = "joined"
    """joined to the noise; product: multiplied, then joined; noise_product: noise times all; norms: through batch norms."""
    critic_batches: Literal["half", "full"] = "half"
    """Pictures in the critic's real and in its generated batch: half as many as the generator has, or as many."""
    critic_step: Literal["two", "mixed"] = "two"
    """two steps of the critic, on real and on generated pictures; mixed: one step on a batch of both."""
    fakes: Literal["predict", "train"] = "predict"
    """Generated pictures that the critic sees: normalized by moving statistics, as in the report; train: by their batch."""
    fake_labels: Literal["uniform", "data"] = "uniform"
    """Labels of generated pictures: all classes equally likely, or those of the real pictures in the batch."""
    sampling: Literal["epochs", "replacement"] = "epochs"
    """Real pictures: each once in an epoch, or drawn with replacement."""
    critic_learning_rate: float = 2e-4
    """Learning rate of the critic's Adam."""
    generator_learning_rate: float = 1.5e-4
    """Learning rate of the generator's Adam."""
    adam_epsilon: float = 1e-8
    """Epsilon of Adam for both networks; that of Keras is 1e-7."""
    score_weight: float = 1.4
    """Weight of the real-or-fake loss in the critic's loss."""
    class_weight: float = 0.8
    """Weight of each attribute's class loss in the critic's loss."""
    fake_class_weight: Literal["auto"] | float = "auto"
    """The same for generated pictures. auto: --class-weight. 0: the critic learns classes from real pictures only."""
    generator_score_weight: float = 1.0
    """Weight of the real-or-fake loss in the generator's loss."""
    generator_class_weight: float = 1.0
    """Weight of each attribute's class loss in the generator's loss."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
        if self.critic_batches == "half" and self.batch_size < 2:
            raise ValueError(f"--batch-size must be at least 2, for two half batches, but it is {self.batch_size}")
        if self.adam_epsilon == 0:
            raise ValueError("--adam-epsilon must be above 0, but it is 0")

    @property
    def critic_batch_size(self) -> int:
        """Pictures in the critic's real batch, and in its generated one."""
        return self.batch_size if self.critic_batches == "full" else self.batch_size // 2
