"""The options of `acgan` (report E)."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import check_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `acgan` (report E)."""

    batch_size: int = 128
    """Pictures in the generator's batch; each of the critic's two steps has half as many."""
    width: int = 64
    """Channels of the layers next to the picture."""
    embedding: int = 8
    """Numbers in the embedding of each attribute."""
    critic_learning_rate: float = 2e-4
    """Learning rate of the critic's Adam."""
    generator_learning_rate: float = 1.5e-4
    """Learning rate of the generator's Adam."""
    score_weight: float = 1.4
    """Weight of the real-or-fake loss in the critic's loss."""
    class_weight: float = 0.8
    """Weight of each attribute's class loss in the critic's loss."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
        if self.batch_size < 2:
            raise ValueError(f"--batch-size must be at least 2, for two half batches, but it is {self.batch_size}")
