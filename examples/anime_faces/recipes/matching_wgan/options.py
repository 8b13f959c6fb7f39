"""The options of `matching_wgan` (report A)."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import TextOptions, check_numbers, check_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(TextOptions):
    """Options of the recipe `matching_wgan` (report A)."""

    literal: bool = False
    """Weight mismatched pairs and generated pictures by 1 each, as the report does, in place of 1/2."""
    all_tags: bool = True
    """Use all tags of a picture as its text; else only the words for its labels."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the layers next to the picture."""
    projected: int = 128
    """Numbers that each network projects the vector of a text to."""
    learning_rate: float = 5e-5
    """Learning rate of RMSprop for both networks."""
    clip: float = 0.01
    """Largest absolute value of a weight of the critic."""
    clip_norms: bool = True
    """Clip the gains and shifts of the critic's norms too, as the report does."""
    critic_steps: int = 5
    """Critic updates before each generator update."""
    boosted_steps: int = 25
    """Critic updates in the rounds of a burst: the first 25 of each epoch, and each 500th."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
        check_pairs(self)
        if self.clip == 0:
            raise ValueError("--clip must be above 0, but it is 0")
