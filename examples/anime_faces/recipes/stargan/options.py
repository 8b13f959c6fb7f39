"""The options of `stargan` (report B)."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from examples.anime_faces.recipes._options import check_numbers, check_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `stargan` (report B)."""

    targets: Annotated[str, tyro.conf.arg(metavar="PROMPT", help_behavior_hint="")] = ""
    """Classes to set or clear, as a prompt says them: "black hair, glasses=yes". Default: all; of hair black, brown, blonde."""
    batch_size: int = 16
    """Pictures in one batch."""
    width: int = 64
    """Channels of the layers next to the picture, in both networks."""
    blocks: int = 6
    """Residual blocks of the generator."""
    critic_steps: int = 5
    """Critic updates before each generator update."""
    learning_rate: float = 1e-4
    """Learning rate of Adam for both networks."""
    decay_share: float = 0.5
    """Share of the run, at its end, in which the learning rate falls to 0 in a straight line."""
    class_weight: float = 1.0
    """Weight of the class loss in both losses."""
    cycle_weight: float = 10.0
    """Weight of the mean absolute difference between a picture and the one that was changed and changed back."""
    penalty_weight: float = 10.0
    """Weight of the gradient penalty."""
    mirrored: bool = True
    """Mirror each picture with probability 1/2, as the original does."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "decay_share")
        check_numbers(self)
