"""The options of `gray_then_color` (report B)."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import check_numbers, check_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `gray_then_color` (report B)."""

    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the gray generator's maps, and of the layers next to the picture in the networks that color."""
    blocks: int = 16
    """Residual blocks of the gray generator."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for all four networks."""
    penalty_weight: float = 0.5
    """Weight of the gradient penalty of the critic of gray pictures."""
    pixel_weight: float = 100.0
    """Weight of the mean absolute difference between a colored picture and the real one it was gray of."""
    fine_tuned_share: float = 0.25
    """Share of the run, at its end, in which the second generator also colors pictures of the first one."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "fine_tuned_share")
        check_numbers(self)
