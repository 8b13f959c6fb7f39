"""The options of each recipe; kept apart from the recipes so that `--help` answers without loading torch."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import tyro


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    """What recipes that are conditioned on texts have in common."""

    text_vectors: Annotated[str, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = ""
    """Table of vectors (.npy) in place of hashed n-grams; its texts stand beside it in a file that ends in .txt."""
    skip_thoughts: Annotated[str, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = ""
    """Folder with the published files of skip-thoughts, in place of hashed n-grams."""
    named_colors: bool = False
    """Read the words for the labels out of a text, one place a class, in place of hashed n-grams; no other word is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingOptions(TextOptions):
    """Options of the recipe `matching_wgan` (report A)."""

    literal: bool = False
    """Weigh mismatched pairs and generated pictures by 1 each, as the report does, in place of 1/2."""
    all_tags: bool = True
    """Condition on all tags of a picture; else on the words for its labels alone."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the layers next to the picture."""
    projected: int = 128
    """Numbers that the vector of a text is compressed to, in each network by itself."""
    learning_rate: float = 5e-5
    """Step size of RMSprop for both networks."""
    clip: float = 0.01
    """Largest weight of the critic."""
    clip_norms: bool = True
    """Clip the gains and shifts of the critic's norms too, as the report does."""
    critic_steps: int = 5
    """Critic updates before each generator update."""
    boosted_steps: int = 25
    """Critic updates in the rounds of a burst: the first 25 of each epoch, and each 500th."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GanClsOptions(TextOptions):
    """Options of the recipe `gan_cls` (report D)."""

    literal: bool = False
    """Do as the program that the report was made from: weights 1 and 1, and one noise for both generator updates."""
    all_tags: bool = False
    """Condition on all tags of a picture; else on the words for its labels alone."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the layers next to the picture."""
    projected: int = 256
    """Numbers that the vector of a text is compressed to, in each network by itself."""
    learning_rate: float = 2e-4
    """Step size of Adam for both networks."""
    generator_steps: int = 2
    """Generator updates after each critic update."""
    beta: float = 0.1
    """Weight of half the squared weights of the generator's text projection; the report tries 0.1, 0.01 and 0."""
    cheat: float = 0.1
    """Probability that a generated picture is priced as a real one; the greatest one where it changes."""
    cheat_per_batch: bool = False
    """Throw one coin for a whole batch, not one for each picture."""
    cheat_decays: bool = False
    """Let the probability fall to 0 along the run."""
    cheat_adapts: bool = False
    """Let the probability begin at 0, rise while the critic is sure of real pictures, and fall while it is not."""


OPTIONS = {
    "default": DefaultOptions,
    "acgan": AcganOptions,
    "tags_wgan_gp": TagsOptions,
    "matching_wgan": MatchingOptions,
    "gan_cls": GanClsOptions,
}


def check_counts(options: Any) -> None:
    """Refuse options of a recipe that count something (pictures, channels, updates) and are below 1.

    Raises:
        ValueError: There is one; it is named.
    """
    for name, value in asdict(options).items():
        if isinstance(value, int) and not isinstance(value, bool) and value < 1:
            raise ValueError(f"--{name.replace('_', '-')} must be at least 1, but it is {value}")
