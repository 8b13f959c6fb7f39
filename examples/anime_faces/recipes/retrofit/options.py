"""The options of `retrofit`."""

from dataclasses import dataclass
from typing import Literal

from examples.anime_faces.recipes._options import check_numbers, check_shares

CriticNorm = Literal["batch", "layer", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `retrofit`."""

    batch_size: int = 64
    """Pictures in one batch, of the critic and of the generator."""
    width: int = 64
    """Channels of the layers next to the picture."""
    embedding: int = 8
    """Numbers in the embedding of each attribute."""
    critic_norm: CriticNorm = "batch"
    """Norms of the critic: batch, as in report E, where R1 couples the pictures of a batch; layer; none."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for both networks; the critic's is corrected for the steps of R1."""
    score_weight: float = 1.4
    """Weight of the real-or-fake loss in the critic's loss."""
    class_weight: float = 0.8
    """Weight of each attribute's class loss of real pictures in the critic's loss."""
    fake_class_weight: float = 0.0
    """The same for generated pictures. 0: the critic learns classes from real pictures only."""
    generator_class_weight: float = 1.0
    """Weight of each attribute's class loss in the generator's loss."""
    penalty_weight: Literal["auto"] | float = "auto"
    """Weight gamma of R1, gamma / 2 times the squared gradient. auto: 0.0002 * size * size / batch size. 0: no R1."""
    penalty_every: int = 16
    """Rounds from one step of R1 to the next, each with as many times the weight."""
    augmentation: bool = True
    """Let the critic see changed pictures, with a probability that follows how sure it is of real ones."""
    augmentation_target: float = 0.6
    """Mean sign of the scores of real pictures, 0 to 1, above which the probability rises and below which it falls."""
    augmentation_every: int = 4
    """Rounds from one change of the probability to the next."""
    augmentation_pictures: int = 500_000
    """Real pictures in which the probability can rise from 0 to 1."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "augmentation_target")
        check_numbers(self)
        if self.learning_rate == 0:
            raise ValueError("--learning-rate must be above 0, but it is 0")

    def penalty_weight_for(self, size: int) -> float:
        """Return gamma for pictures of a size.

        Example:
            >>> Options(batch_size=64).penalty_weight_for(64)
            0.0128
        """
        if self.penalty_weight != "auto":
            return self.penalty_weight
        return 0.0002 * size * size / self.batch_size
