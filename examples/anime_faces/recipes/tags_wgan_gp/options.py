"""The options of `tags_wgan_gp` (report C)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from examples.anime_faces.recipes._options import check_numbers

CORRECTED: dict[str, Any] = {"round_batches": "fresh", "joined": "compared"}
LITERAL: dict[str, Any] = {"round_batches": "shared", "joined": "summed"}
FORMS: dict[tuple[str, bool], dict[str, Any]] = {
    ("gp", False): {"learning_rate": 1e-4, "penalty_weight": 10.0, "l1_weight": 0.0, **CORRECTED},
    ("gp", True): {"learning_rate": 1e-4, "penalty_weight": 10.0, "l1_weight": 0.0, **LITERAL},
    ("clip", False): {
        "learning_rate": 5e-5,
        "clip": 0.01,
        "clip_when": "after",
        "l1_weight": 0.0,
        **CORRECTED,
    },
    ("clip", True): {
        "learning_rate": 5e-5,
        "clip": 0.01,
        "clip_when": "before",
        "l1_weight": 2.5e-5,
        **LITERAL,
    },
}
"""What stands for `auto`, by constraint and by whether it is literal: the last program of the report, and its first one."""

OF_CONSTRAINT = {"penalty_weight": "gp", "clip": "clip", "clip_when": "clip"}
"""Options that only one constraint has; with the other one they stay `auto`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `tags_wgan_gp` (report C)."""

    EARLIER: ClassVar[Mapping[str, Any]] = {"joined": "summed"}
    """What runs did that were begun before these options existed."""

    literal: bool = False
    """Do what the report's programs did (a sigmoid critic with cross-entropy) in place of what the report says."""
    constraint: Literal["gp", "clip"] = "gp"
    """gp, a gradient penalty, as in the final model; clip, clipped weights, as in the first one. All `auto` follow it."""
    batch_size: int = 64
    """Pictures in one batch."""
    width: int = 64
    """Channels of the critic's first layer; the generator's are twice as many."""
    learning_rate: Literal["auto"] | float = "auto"
    """Learning rate of both networks. auto: 1e-4 (Adam), or 5e-5 with clip (RMSprop)."""
    penalty_weight: Literal["auto"] | float = "auto"
    """Weight of the gradient penalty of gp. auto: 10."""
    clip: Literal["auto"] | float = "auto"
    """Largest absolute value of a weight of the critic, with clip. auto: 0.01."""
    clip_when: Literal["auto", "before", "after"] = "auto"
    """Clip before or after each critic update. auto: after, or before with --literal."""
    l1_weight: Literal["auto"] | float = "auto"
    """Weight of the sum of absolute weights in the loss of each network. auto: 0, or 2.5e-5 with --literal and clip."""
    critic_steps: int = 5
    """Critic updates per round, before those of the generator."""
    generator_steps: int = 1
    """Generator updates per round; the report also tries 1 critic update and 5 of the generator."""
    generator_first: bool = False
    """Update the generator before the critic in each round, as the report tries too."""
    round_batches: Literal["auto", "fresh", "shared"] = "auto"
    """A fresh batch for each critic update, or one that those of a round share. auto: fresh, or shared with --literal."""
    joined: Literal["auto", "compared", "summed"] = "auto"
    """compared: the critic compares picture and tags. summed: it adds two scores, so tags are ignored. auto: see --literal."""
    fresh_losses: bool = False
    """Log both losses also on pictures that no update has used yet, after all updates so far, as the program does."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        for name, constraint in OF_CONSTRAINT.items():
            if getattr(self, name) != "auto" and constraint != self.constraint:
                flag = f"--{name.replace('_', '-')}"
                raise ValueError(
                    f"{flag} is for --constraint {constraint}, but that is {self.constraint}: leave it out"
                )
        for name, value in FORMS[self.constraint, self.literal].items():
            if getattr(self, name) == "auto":
                object.__setattr__(self, name, value)  # what is saved with a run, and shown
        check_numbers(self)
        if self.clip == 0:
            raise ValueError("--clip must be above 0, but it is 0")

    def number(self, name: str) -> float:
        """Return a number that this form has."""
        value = getattr(self, name)
        assert value != "auto", name
        return float(value)
