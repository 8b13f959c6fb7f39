"""The options of `tags_wgan_gp` (report C)."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import check_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `tags_wgan_gp` (report C)."""

    literal: bool = False
    """Do what the report's program did (a sigmoid critic with a gradient penalty) in place of what the report says."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the critic's first layer; the generator's are twice as many."""
    learning_rate: float = 1e-4
    """Learning rate of Adam for both networks."""
    penalty_weight: float = 10.0
    """Weight of the gradient penalty."""
    critic_steps: int = 5
    """Critic updates before each generator update."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
