"""The contract of an augmentation: images and a draw in, images out."""

from typing import Protocol, runtime_checkable

import torch

from gankit._core import Images


@runtime_checkable
class Augmentation(Protocol):
    """A random, differentiable change of images; the same draw always makes the same change.

    Anything with `numbers` and this call is an augmentation; nothing has to be subclassed. `gankit.augment.Composed` puts
    several in order.

    **What must be augmented.** Every image that the critic scores: real ones, generated ones in the critic's step, and
    generated ones in the generator's step. Augmented real images alone teach the generator to draw the augmentation.

    **One draw for real and fake.** Each call takes a fresh draw, so real sample i and fake sample i are changed differently;
    that is what the published programs do. To change them alike, draw once and give it to both calls::

        draw = torch.rand(len(real), augment.numbers, device=real.device)
        real, fake = augment(real, draw=draw), augment(fake, draw=draw)

    The draw is one row of `numbers` uniform numbers a sample, so row i goes with sample i, and a test can replay it.

    **Penalties.** What a penalty sees is what it is called on. ``penalty(critic, augment(real))`` takes the slope at the
    augmented image, over its own pixels; ``penalty(lambda x: critic(augment(x)), real)`` takes the slope over the pixels of
    the plain image, through a fresh draw, as StyleGAN2-ADA does for R1: what was cut out or moved away has none. Every
    augmentation here can be differentiated twice, so both work.

    **Conditions.** An augmentation must leave alone what the condition says. `gankit.augment.Saturation`,
    `gankit.augment.Brightness` and `gankit.augment.Contrast` are wrong where it names a color; a mirror is wrong where it
    names a side.

    Example:
        >>> import torch
        >>> from gankit.augment import Augmentation, Translation
        >>> class Negative:
        ...     numbers = 1
        ...     def __call__(self, images, *, strength=1.0, draw=None, rng=None):
        ...         coin = torch.rand(len(images), 1, generator=rng) if draw is None else draw
        ...         return torch.where(coin[:, :, None, None] < strength, -images, images)
        >>> isinstance(Negative(), Augmentation), isinstance(Translation(), Augmentation)
        (True, True)

    Reference:
        Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"; Karras et al. 2020,
        "Training Generative Adversarial Networks with Limited Data", section 2 (which augmentations leak, and why a
        probability below 1 prevents it); Zhao et al. 2020, "Image Augmentations for GAN Training" (real images alone).
    """

    @property
    def numbers(self) -> int:
        """How many uniform numbers a sample takes."""
        ...

    def __call__(
        self,
        images: Images,
        *,
        strength: float | torch.Tensor = 1.0,
        draw: torch.Tensor | None = None,
        rng: torch.Generator | None = None,
    ) -> Images:
        """Return changed images.

        Args:
            images: ``(n, channels, height, width)``.
            strength: What every probability is multiplied by, in 0..1: a number, or a 0-d tensor that is never read on the
                host, such as an adaptive probability. At 0 the images come back as they were.
            draw: ``(n, numbers)`` uniform numbers, 0 or more and below 1; drawn as ``torch.rand(n, numbers)`` where None.
            rng: Where `draw` is drawn from, on the images' device; the default generator where None.
        """
        ...
