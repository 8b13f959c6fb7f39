"""The options of `r3gan`."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import check_numbers, check_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `r3gan`."""

    batch_size: int = 16
    """Pictures in one batch; the paper takes 256 at 64x64."""
    width: int = 32
    """Channels of both networks up to 32x32; each larger stage has half as many as the one before. The paper takes 768."""
    blocks: int = 2
    """Residual blocks in each stage of both networks."""
    group_channels: int = 16
    """Channels in each group of the 3x3 convolutions; a stage with fewer channels inside has one group."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for both networks at first; it falls to a quarter."""
    penalty_weight: float = 2.0
    """Weight (gamma) of R1 and of R2 at first; it falls to a tenth. The paper takes 2 at 64x64, and 0.05 for CIFAR-10."""
    horizon: float = 1.0
    """Share of the run in which rate, penalty, beta, average and augmentation move to their last values; then they stay."""
    average_half_life: float = 0.025
    """Half-life of the average of weights at the end of the horizon, as a share of the horizon; it begins with 0."""
    augmentation: float = 0.3
    """Probability of each change of a picture that the critic sees at the end of the horizon; it begins with 0."""
    mirrored: bool = True
    """Show half of the real pictures mirrored, so that mirrored ones are drawn too."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "horizon", "augmentation")
        check_numbers(self)
