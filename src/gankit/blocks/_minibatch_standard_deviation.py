"""Let the critic see how varied a batch is, by one standard deviation a group of samples."""

import torch
from torch import nn

from gankit._core import check_at_least, ranks_of_whole_batch, sum_over_ranks
from gankit.blocks._maps import check_maps
from gankit.blocks._spatial_replication import join_replicated

EPSILON = 1e-8


class MinibatchStandardDeviation(nn.Module):
    """Join maps to the input that say how much the samples of a group differ.

    In each group, the standard deviation over its samples at each channel and position, then the mean of those: one
    number, spread over a map that every sample of the group gets. A generator that makes one face only leaves it near 0
    while real pictures do not, and is told so. It stands near the end of a critic, before its last convolution.

    Samples are coupled: a score depends on the other samples of its group, so real and fake samples go through the critic
    apart, and a gradient penalty measures the slope of the sum of a group's scores.

    **Groups are local by definition.** With a `group_size`, a group lies on one rank and in one part of an accumulated
    batch: any batch that is a multiple of `group_size` may be cut so that its parts are too, and the groups only
    have other members. A batch smaller than `group_size` is one group where it is whole, and is refused where it is a
    part. With ``group_size=None`` the group is the whole batch: ranks share its statistics, and gradient accumulation is
    refused.

    Args:
        group_size: Samples a group, or None for the whole batch.
        features: Into how many equal parts the channels are cut; each makes one map.

    Shape:
        - x: ``(n, channels, height, width)``; `n` a multiple of `group_size` or smaller, `channels` of `features`.
        - result: ``(n, channels + features, height, width)``, the input's channels first. Sample i is in one group with
          those a multiple of ``n / group_size`` away.

    Raises:
        ValueError: `group_size` or `features` is below 1; `x` has another shape; only a part of the batch is at hand
            where the group is the whole batch.

    Example:
        >>> import torch
        >>> from gankit.blocks import MinibatchStandardDeviation
        >>> x = torch.tensor([1.0, 5.0]).reshape(2, 1, 1, 1)
        >>> MinibatchStandardDeviation()(x).flatten(1)
        tensor([[1., 2.],
                [5., 2.]])

    Reference:
        Karras et al. 2018, "Progressive Growing of GANs" (ICLR), section 3; groups and features as in StyleGAN3's
        program: biased variance, and 1e-8 inside the root. On several ranks that one is local too. TF-GAN takes one
        number over the whole batch.
    """

    def __init__(self, group_size: int | None = 4, features: int = 1) -> None:
        super().__init__()
        if group_size is not None:
            check_at_least("group_size", group_size, 1)
        check_at_least("features", features, 1)
        self.group_size = group_size
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` with the maps of deviations behind its channels."""
        check_maps("x", x, None)
        if x.shape[1] % self.features:
            raise ValueError(
                f"x must have a multiple of {self.features} channels, one part a feature, got {x.shape[1]}"
            )
        # Half precision would round 1e-8 to 0, whose root has no slope.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        variances = self._variances(wide.unflatten(0, (self._size(len(x)), -1)))
        deviations = (variances + EPSILON).sqrt()
        numbers = deviations.unflatten(1, (self.features, -1)).mean(dim=(2, 3, 4))
        return join_replicated(x, numbers.repeat(len(x) // len(numbers), 1))

    def _size(self, samples: int) -> int:
        name = type(self).__name__
        if self.group_size is None:
            return samples
        if samples < self.group_size:
            if ranks_of_whole_batch(name) > 1:
                raise ValueError(f"x must hold at least {self.group_size} samples on each rank, got {samples}")
            return samples
        if samples % self.group_size:
            raise ValueError(f"x must hold a multiple of {self.group_size} samples, a group each, got {samples}")
        return self.group_size

    def _variances(self, grouped: torch.Tensor) -> torch.Tensor:
        if self.group_size is None and ranks_of_whole_batch(type(self).__name__) > 1:
            count = sum_over_ranks(torch.full_like(grouped[0, 0, 0, 0, 0], len(grouped)))
            mean = sum_over_ranks(grouped.sum(dim=0)) / count
            return sum_over_ranks((grouped - mean).square().sum(dim=0)) / count
        return (grouped - grouped.mean(dim=0)).square().mean(dim=0)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"group_size={self.group_size}, features={self.features}"
