"""Layers that show a critic how varied a batch is."""

import torch
from torch import nn

from gankit._core import check_at_least, gather_whole_batch, ranks_of_whole_batch, sum_over_ranks
from gankit.blocks._joining import join_replicated
from gankit.blocks._maps import check_features, check_maps

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


class MinibatchDiscrimination(nn.Module):
    """Join numbers to each sample's features that say how close the rest of the batch is to it.

    Each kernel projects the features to a few numbers; two samples are close by ``exp(-distance)`` of those, the distance
    a sum of absolute differences; a sample gets the sum of its closeness to all others. Fakes that are all alike stand
    out by it, one sample at a time, where `MinibatchStandardDeviation` gives one number a group.

    Samples are coupled, and by a sum, so that the numbers grow with the batch. Real and fake samples go through the critic
    apart, in batches of one size, and a gradient penalty measures the slope of the sum of scores. The others are those of
    the whole batch: ranks gather them, and gradient accumulation, which would see a part of them, is refused.

    The projection starts so that features of variance 1 lie about 1 apart: far enough to tell, near enough to learn.

    Args:
        in_features: The length of the feature vector.
        num_kernels: How many numbers are joined.
        kernel_features: How many numbers a kernel compares.

    Shape:
        - features: ``(n, in_features)``; on several ranks equally many samples each.
        - result: ``(n, in_features + num_kernels)``, the features first.

    Raises:
        ValueError: A size is below 1; `features` has another shape; only a part of the batch is at hand.

    Example:
        >>> import torch
        >>> from gankit.blocks import MinibatchDiscrimination
        >>> alike = torch.ones(4, 7)
        >>> closeness = MinibatchDiscrimination(7, 2)(alike)[:, 7:]
        >>> torch.testing.assert_close(closeness, torch.full((4, 2), 3.0))  # three others, each as close as can be

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.2. As in their program, a sample is not
        counted as its own neighbor, which the paper's sum does (a constant 1). Their program also keeps each kernel's
        weights at a trained length, adds a bias, and sets both from a first batch.
    """

    def __init__(self, in_features: int, num_kernels: int, kernel_features: int = 5) -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        check_at_least("num_kernels", num_kernels, 1)
        check_at_least("kernel_features", kernel_features, 1)
        self.num_kernels = num_kernels
        self.kernel_features = kernel_features
        self.project = nn.Linear(in_features, num_kernels * kernel_features, bias=False)
        nn.init.normal_(self.project.weight, std=1 / (kernel_features * in_features**0.5))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the features with each sample's closeness to the others behind them."""
        check_features(features, self.project.in_features)
        own = self.project(features).unflatten(1, (self.num_kernels, self.kernel_features))
        own = own.to(torch.promote_types(own.dtype, torch.float32))
        others, start = gather_whole_batch(type(self).__name__, own)
        distances = (own.unsqueeze(1) - others).abs().sum(dim=3)
        places = torch.arange(len(others), device=own.device)
        itself = places == places[start : start + len(own), None]
        closeness = (-distances).exp().masked_fill(itself.unsqueeze(2), 0).sum(dim=1)
        return torch.cat([features, closeness.to(features.dtype)], dim=1)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_kernels={self.num_kernels}, kernel_features={self.kernel_features}"
