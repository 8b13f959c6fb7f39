"""Floor 1: changes of images that the critic sees, so that a small data set lasts longer.

An augmentation is a pure function of images and of a draw; the generator's gradient flows through it. Give the critic
augmented images everywhere, real and generated, in its own step and in the generator's; then the generator still learns the
plain images, as long as one can tell from the augmented distribution what the plain one was.
"""

from gankit.augment._augmentation import Augmentation as Augmentation
from gankit.augment._brightness import Brightness as Brightness
from gankit.augment._composed import Composed as Composed
from gankit.augment._contrast import Contrast as Contrast
from gankit.augment._cutout import Cutout as Cutout
from gankit.augment._geometric_transformation import GeometricTransformation as GeometricTransformation
from gankit.augment._horizontal_flip import HorizontalFlip as HorizontalFlip
from gankit.augment._mix_in_fakes import mix_in_fakes as mix_in_fakes
from gankit.augment._saturation import Saturation as Saturation
from gankit.augment._translation import Translation as Translation
