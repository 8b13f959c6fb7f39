"""The options of `default`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from examples.anime_faces.recipes._options import check_numbers, check_shares

GROUP = 4
"""Pictures of each condition in a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `default`."""

    EARLIER: ClassVar[Mapping[str, Any]] = {
        "color_weight": 0.0,
        "critic_rate_factor": 1.0,
        "detail_weight": 0.0,
        "augmentation": 0.0,
    }
    """What runs did that were begun before these options existed."""

    batch_size: int = 16
    """Pictures in one batch, a multiple of 4: each condition comes with 4 pictures."""
    width: int = 16
    """Channels of the generator at full size; all others are multiples of it, and the time grows with its square."""
    learning_rate: float = 1e-3
    """Learning rate of Adam for the generator, before it falls."""
    critic_rate_factor: float = 0.5
    """Learning rate of the critic, as a multiple of that of the generator."""
    constant_share: float = 0.6
    """Share of the run after which the learning rates begin to fall."""
    penalty_weight: float = 0.3
    """Weight of R1, half the squared gradient of the critic at real pictures."""
    class_weight: float = 0.1
    """Weight of the class loss for the generator."""
    detail_weight: float = 0.5
    """Weight of the loss of a small second critic, which sees details only, for the generator. 0: there is no such critic."""
    color_weight: float = 50.0
    """Weight of the distance between the colors of real and drawn pictures, reduced to 8 x 8 pixels, for the generator."""
    augmentation: Literal["auto"] | float = "auto"
    """Probability of each change of a picture that the critic sees, 0 to 1. auto: by the number of pictures and passes."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "constant_share", *(["augmentation"] if self.augmentation != "auto" else []))
        check_numbers(self)
        if self.batch_size % GROUP:
            raise ValueError(f"--batch-size must be a multiple of {GROUP}, but it is {self.batch_size}")
