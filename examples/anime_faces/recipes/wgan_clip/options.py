"""The options of `wgan_clip` (report B)."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import check_numbers
from examples.anime_faces.recipes.dcgan.options import NetworkOptions, check_networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(NetworkOptions):
    """Options of the recipe `wgan_clip` (report B)."""

    literal: bool = False
    """Keep cross-entropy, as the report's numbers suggest that its program did, in place of the Wasserstein loss."""
    critic_learning_rate: float = 5e-5
    """Learning rate of the critic's RMSprop."""
    generator_learning_rate: float = 2e-4
    """Learning rate of the generator's Adam, as in `dcgan`."""
    critic_steps: int = 3
    """Critic updates before each generator update."""
    clip: float = 0.01
    """Largest absolute value of a weight of the critic."""
    clip_norms: bool = True
    """Clip the gains and shifts of the critic's norms too, as the report's program did with all weights."""
    clip_after: bool = False
    """Clip after each critic update, as the paper does, in place of before it, as the report does."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_networks(self)
        check_numbers(self)
        if self.clip == 0:
            raise ValueError("--clip must be above 0, but it is 0")
