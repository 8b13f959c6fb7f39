"""The options of each recipe; kept apart from the recipes so that `--help` answers without loading torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultOptions:
    """Options of the recipe `default`."""

    batch_size: int = 32
    """Pictures in one batch, a multiple of 4: each condition comes with 4 pictures."""
    width: int = 16
    """Channels of the generator at full size; all others are multiples, and the cost grows with its square."""
    learning_rate: float = 1e-3
    """Step size of Adam for both networks, before it falls."""
    constant_share: float = 0.6
    """Share of the run after which the learning rates begin to fall."""
    penalty_weight: float = 0.3
    """Weight of R1, the squared gradient of the critic at real pictures."""
    class_weight: float = 0.1
    """Weight of the class loss for the generator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcganOptions:
    """Options of the recipe `acgan` (report E); the defaults are the report's."""

    batch_size: int = 128
    """Pictures in the generator's batch; the critic's two steps take half of it each."""
    width: int = 64
    """Channels of the layers next to the picture."""
    embedding: int = 8
    """Numbers in the embedding of each attribute."""
    critic_learning_rate: float = 2e-4
    """Step size of the critic's Adam."""
    generator_learning_rate: float = 1.5e-4
    """Step size of the generator's Adam."""
    score_weight: float = 1.4
    """Weight of the real-or-fake loss in the critic's loss."""
    class_weight: float = 0.8
    """Weight of each attribute's class loss in the critic's loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsOptions:
    """Options of the recipe `tags_wgan_gp` (report C)."""

    literal: bool = False
    """Do what the report's program did (a sigmoid critic with a gradient penalty) in place of what the report says."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the critic's first layer; the generator's are twice as many."""
    learning_rate: float = 1e-4
    """Step size of Adam for both networks."""
    penalty_weight: float = 10.0
    """Weight of the gradient penalty."""
    critic_steps: int = 5
    """Critic updates before each generator update."""


OPTIONS = {"default": DefaultOptions, "acgan": AcganOptions, "tags_wgan_gp": TagsOptions}
