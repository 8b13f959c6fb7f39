"""The options of `gan_cls` (report D)."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import TextOptions, check_numbers, check_pairs, check_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(TextOptions):
    """Options of the recipe `gan_cls` (report D)."""

    literal: bool = False
    """Do as the program that the report was made from: weights 1 and 1, and one noise for both generator updates."""
    all_tags: bool = False
    """Use all tags of a picture as its text; else only the words for its labels."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the layers next to the picture."""
    projected: int = 256
    """Numbers that each network projects the vector of a text to."""
    conditioning_augmentation: bool = False
    """Draw the generator's condition around a mean that is learned from the text, in place of the projection (StackGAN)."""
    augmented: int = 128
    """Numbers of a condition that is drawn."""
    kl_weight: float = 2.0
    """Weight of the divergence of drawn conditions from the standard normal distribution, averaged over their numbers."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for both networks."""
    generator_steps: int = 2
    """Generator updates for each critic update."""
    generator_first: bool = False
    """Update the generator before the critic in each round, the order in which the report names them."""
    fresh_texts: bool = False
    """Give each generator update texts of other pictures, drawn at random; else it has those of the critic's batch."""
    beta: float = 0.1
    """Weight of half the squared weights of the generator's text layer; the report tries 0.1, 0.01 and 0."""
    mode_seeking: float = 0.0
    """Weight of the mode-seeking loss, which is large where two noises give one text the same picture. 0: none."""
    r1: float = 0.0
    """Gamma of R1 on real pictures with their own texts, at every critic update; the norms are then layer norms. 0: none."""
    cheat: float = 0.1
    """Probability that a generated picture is labeled as a real one; its maximum if it changes."""
    cheat_per_batch: bool = False
    """Draw once for a whole batch, not once per picture."""
    cheat_decays: bool = False
    """Let the probability fall to 0 along the run."""
    cheat_adapts: bool = False
    """Let the probability start at 0, rise while the critic is sure of real pictures, and fall while it is not."""
    apa: bool = False
    """Adaptive pseudo augmentation in place of the cheat: generated pictures replace real ones where the critic is sure."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "cheat")
        check_numbers(self)
        check_pairs(self)
        if self.cheat_decays and self.cheat_adapts:
            raise ValueError("--cheat-decays and --cheat-adapts must not both be given")
        for name in ("cheat_per_batch", "cheat_decays", "cheat_adapts"):
            if self.apa and getattr(self, name):
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(f"{flag} must not be given with --apa, which takes the place of the cheat")
