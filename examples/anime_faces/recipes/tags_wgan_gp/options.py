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
    """Critic updates per round, before those of the generator."""
    generator_steps: int = 1
    """Generator updates per round; the report also tries 1 critic update and 5 of the generator."""
    generator_first: bool = False
    """Update the generator before the critic in each round, as the report tries too."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_numbers(self)
