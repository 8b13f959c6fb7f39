"""The options of `matching_wgan` (report A)."""

from dataclasses import dataclass
from typing import Literal

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
    text_first: bool = False
    """Join the text before the noise in the generator's input, as the report writes; the same up to the order of weights."""
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
    count_from_one: bool = False
    """Count the rounds of an epoch from 1, so that the 500th is the last one of an epoch of 500; else from 0."""
    round_batches: Literal["fresh", "shared"] = "fresh"
    """A fresh batch for each critic update, or one that those of a round share. The report does not say which."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
        check_pairs(self)
        if self.clip == 0:
            raise ValueError("--clip must be above 0, but it is 0")
