"""Images mirrored left to right."""

from dataclasses import dataclass

import torch

from gankit._core import Images, check_fraction
from gankit.augment._draws import Strength, check_images, happens, numbers_for


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalFlip:
    """Mirror images left to right.

    At the default probability both ways of looking at an image are equally likely, as in StyleGAN2-ADA at full strength. A
    generator then learns faces that look either way; leave it out where the condition names a side, or where letters are in
    the picture. See `gankit.augment.Augmentation` for what to augment, shared draws and penalties.

    Args:
        probability: Share of the samples that are mirrored at full strength, in 0..1.

    Shape:
        Images ``(n, channels, height, width)`` in, the same out. `draw` is ``(n, 1)``: whether.

    Raises:
        ValueError: `probability` lies outside 0..1; or, at a call, `images` is no batch of images, `strength` is neither in
            0..1 nor 0-d, or `draw` has another shape, leaves 0..1 or comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.augment import HorizontalFlip
        >>> HorizontalFlip()(torch.tensor([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), draw=torch.tensor([[0.4], [0.6]]))
        tensor([[[[2., 1.]]],
        <BLANKLINE>
        <BLANKLINE>
                [[[3., 4.]]]])

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", appendix B. There a sample is chosen
        with the adaptive probability and then mirrored or not with equal chance: the same in law.
    """

    probability: float = 0.5

    def __post_init__(self) -> None:
        """Check the probability."""
        check_fraction("probability", self.probability)

    @property
    def numbers(self) -> int:
        """How many uniform numbers a sample takes."""
        return 1

    def __call__(
        self,
        images: Images,
        *,
        strength: Strength = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return images, each mirrored where its row of the draw says so."""
        check_images(images)
        mirrored = happens(numbers_for(images, self.numbers, draw, rng)[:, 0], self.probability, strength)
        return torch.where(mirrored[:, None, None, None], images.flip(-1), images)
