"""The options of `df_gan`."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import TextOptions, check_numbers, check_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(TextOptions):
    """Options of the recipe `df_gan`."""

    all_tags: bool = False
    """Use all tags of a picture as its text; else only the words for its labels."""
    batch_size: int = 32
    """Pictures in one batch."""
    width: int = 32
    """Channels of the layers next to the picture; the other layers have up to 8 times as many."""
    projected: int = 256
    """Numbers that each network projects the vector of a text to: its sentence vector."""
    conditioning_augmentation: bool = True
    """Draw the generator's condition around a mean that is learned from the sentence vector (StackGAN)."""
    augmented: int = 128
    """Numbers of a condition that is drawn."""
    kl_weight: float = 2.0
    """Weight of the divergence of drawn conditions from the standard normal distribution, averaged over their numbers."""
    generator_learning_rate: float = 1e-4
    """Learning rate of Adam for the generator."""
    critic_learning_rate: float = 4e-4
    """Learning rate of Adam for the critic."""
    penalty_weight: float = 2.0
    """Weight of the matching-aware gradient penalty."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
        check_pairs(self)
