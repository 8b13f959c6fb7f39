"""Augmentation where pictures are few: the critic sees every picture changed a little, each time differently."""

import torch

import gankit as gk
from examples.anime_faces.recipes.default.options import Options
from examples.anime_faces.systems import Description

MANY = 10_000  # from this number of pictures on there is no augmentation, unless asked for
MOST = 0.35  # at 0.6 a trial drew changed colors
BEGIN, FULL = 60, 250  # passes over the pictures after which augmentation begins, and has its full strength

_MOVES = gk.augment.GeometricTransformation(
    flip=False, quarter_turns=False, rotation=0.05, anisotropy=0.1, fractional_translation=0.05
)
_COLORS = (gk.augment.Brightness(amount=0.4), gk.augment.Contrast(), gk.augment.Saturation())


class Augmentation:
    """Changes of every picture that the critic scores, real or generated.

    Pictures are moved, resized and turned by a few degrees. They are never mirrored, since letters and flags have a right
    side, and their colors change only without labels, since a label may name a color.

    The probability rises with the number of passes over the pictures, whatever their number. In trials with 100 and 200
    pictures, real pictures that the critic had never seen lay a tenth of the way from the scores of those that it was trained
    on to those of generated ones after 30 passes, a third after 100, and two thirds after 300. The mean sign of real scores,
    which adaptive augmentation follows, was 0.9 long before that, while the generator was still far behind.

    Args:
        options: Say how probable each change is, from the first step on, or that the number of pictures decides.
        description: Of the data set.
        steps: Length of the plan; a run with fewer than `BEGIN` passes is not augmented.

    Attributes:
        most: The largest probability of each change.
        probability: The current one.
    """

    def __init__(self, options: Options, description: Description, steps: int) -> None:
        pictures = description.pictures or MANY
        start, full = (round(passes * pictures / options.batch_size) for passes in (BEGIN, FULL))
        if options.augmentation == "auto":
            self.most = MOST if pictures < MANY and start < steps else 0.0
            self._ramp = gk.schedules.Ramp(start=start, length=full - start, final=self.most)
        else:
            self.most = options.augmentation
            self._ramp = gk.schedules.Ramp(final=self.most)
        self.probability = 0.0
        colors = () if description.attributes else _COLORS
        self._changes = gk.augment.Composed(parts=(_MOVES, *colors))

    def plan(self, step: int) -> None:
        """Set the probability for the step that comes next."""
        self.probability = self._ramp(step)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the pictures as the critic sees them; where the probability is 0, nothing is computed or drawn."""
        return self._changes(images, strength=self.probability) if self.probability else images

    @property
    def note(self) -> str:
        """What was decided, in words; empty without augmentation."""
        if not self.most:
            return ""
        start = f" from step {self._ramp.start} on" if self._ramp.start else ""
        return f"the critic sees changed pictures{start}, each change with a probability of up to {self.most:.2f}"
