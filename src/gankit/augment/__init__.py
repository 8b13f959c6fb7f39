"""Floor 1: random changes of the images that the critic sees, against overfitting on small data sets.

An augmentation is a pure, differentiable function of images and of a draw. Augment every image that the critic scores, real
and generated, in its own update and in the generator's update. The generator then still learns to generate plain images, as
long as the distribution of plain images can be recovered from the distribution of augmented ones.

Groups:
    Combining: Several augmentations in sequence, and what an augmentation of your own must have.
        Composed, Augmentation
    Colors: Changes of brightness, contrast and saturation.
        Brightness, Contrast, Saturation
    Positions: Mirroring, shifts, cutouts, rotations and scalings.
        HorizontalFlip, Translation, Cutout, GeometricTransformation
    Fakes among real samples: Adaptive pseudo augmentation (APA), which changes no image.
        mix_in_fakes
"""

from gankit.augment._augmentation import (
    Augmentation as Augmentation,
    Composed as Composed,
)
from gankit.augment._colors import (
    Brightness as Brightness,
    Contrast as Contrast,
    Saturation as Saturation,
)
from gankit.augment._geometric_transformation import GeometricTransformation as GeometricTransformation
from gankit.augment._mix_in_fakes import mix_in_fakes as mix_in_fakes
from gankit.augment._whole_pixels import (
    Cutout as Cutout,
    HorizontalFlip as HorizontalFlip,
    Translation as Translation,
)
