"""The options of `dcgan` (report B), and those of its networks, which `wgan_clip` has too."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from examples.anime_faces.recipes._options import check_numbers

Activation = Literal["leaky", "relu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """Options of report B's networks."""

    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the layers next to the picture."""
    upsampled: bool = False
    """Let the generator repeat pixels and convolve by 3x3, in place of transposed convolutions."""
    generator_activation: Activation = "leaky"
    """Activations of the generator: leaky ReLU with slope 0.2, or ReLU (tip 5 of report B)."""
    critic_activation: Activation = "leaky"
    """Activations of the critic, likewise."""
    norm_first: bool = True
    """Normalize after the critic's first convolution too, as the report writes; DCGAN leaves this norm out."""
    dropout: float = 0.0
    """Share of values that the first three blocks of the generator drop; tip 17 of report B takes 0.5."""
    dropout_when_sampling: bool = True
    """Drop values when pictures are drawn too, as tip 17 recommends; else only in training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(NetworkOptions):
    """Options of the recipe `dcgan` (report B)."""

    learning_rate: float = 2e-4
    """Learning rate of Adam for both networks."""
    critic_steps: int = 1
    """Critic updates before each generator update."""
    real_low: float = 1.0
    """Smallest label of a real picture; each label is drawn between the two. Tip 6 of report B takes 0.8 to 1.2."""
    real_high: float = 1.0
    """Largest label of a real picture. Above 1 the loss has no minimum: 0.8 to 1 is the safe range."""
    fake_low: float = 0.0
    """Smallest label of a generated picture."""
    fake_high: float = 0.0
    """Largest label of a generated picture; tip 6 takes 0.2, and 0 is safe."""
    literal: bool = False
    """Losses without logarithms, as the report writes them: they stop teaching where the critic is surely wrong."""
    literal_sign: bool = False
    """Let the generator lower its own scores, as the report writes; only together with --literal."""
    extra: Annotated[str, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = ""
    """A second data set to learn from as well, as the report tries: a folder that `prepare` wrote. Its labels are not read."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_networks(self)
        check_numbers(self)
        for side in ("real", "fake"):
            low, high = getattr(self, f"{side}_low"), getattr(self, f"{side}_high")
            if low > high:
                raise ValueError(f"--{side}-low must be at most --{side}-high, but they are {low} and {high}")
        if self.literal_sign and not self.literal:
            raise ValueError("--literal-sign must not be given without --literal, whose generator loss it turns around")


def check_networks(options: Any) -> None:
    """Refuse a share of dropped values that drops everything or is none. To be called before `check_numbers`.

    Raises:
        ValueError: It is not from 0 to below 1.
    """
    if not 0 <= options.dropout < 1:
        raise ValueError(f"--dropout must be from 0 to below 1, but it is {options.dropout}")
