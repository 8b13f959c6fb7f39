"""Layers that show a critic how varied a batch is."""

import torch
from torch import nn

from gankit._core import check_at_least, check_positive, gather_whole_batch, ranks_of_whole_batch, sum_over_ranks, widen
from gankit.blocks._joining import join_replicated
from gankit.blocks._maps import check_features, check_maps


class MinibatchStandardDeviation(nn.Module):
    r"""Add channels that show how much the samples of a group differ.

    .. math:: m = \frac{1}{C H W} \sum_{c, h, w} \sqrt{\operatorname{Var}_i(x_{ichw}) + \epsilon}

    with the variance over the samples i of a group, divided by their number.

    Within each group the standard deviation over the samples is computed at each channel and position, then averaged to one
    number. That number fills a map that every sample of the group gets. After mode collapse, when a generator makes only one
    face, this number is near 0; for real pictures it is not, and the critic detects the difference. Place the layer near the
    end of a critic, before its last convolution.

    It couples samples: a score depends on the other samples of its group. Pass real and fake samples through the critic
    in separate batches; a gradient penalty measures the gradient of the sum of a group's scores.

    **Groups are local by definition.** With a `group_size`, a group is on one rank and in one part of an accumulated
    batch. Any batch that is a multiple of `group_size` may be split into parts that are multiples too: only the members
    of the groups change. A batch smaller than `group_size` is one group if it is the whole batch, and is refused if it
    is a part. With ``group_size=None`` the group is the whole batch: ranks share its statistics, and gradient
    accumulation is refused.

    Args:
        group_size: Samples per group, or None for the whole batch.
        features: Number of equal parts into which the channels are split; each gives one map.
        epsilon: Added to each variance inside the root. The smaller it is, the larger is the root's curvature where samples
            agree; a penalty differentiates the root twice, and 1e-4 keeps that moderate.

    Shape:
        - x: ``(n, channels, height, width)``; `n` is a multiple of `group_size` or smaller than it, `channels` a multiple
          of `features`.
        - result: ``(n, channels + features, height, width)``, the channels of the input first. Samples i and j are in the
          same group if i - j is a multiple of ``n / group_size``.

    Raises:
        ValueError: `group_size` or `features` is below 1; `epsilon` is not above 0; `x` has another shape; the group is
            the whole batch, but the call sees only a part of it.

    Example:
        >>> import torch
        >>> from gankit.blocks import MinibatchStandardDeviation
        >>> x = torch.tensor([1.0, 5.0]).reshape(2, 1, 1, 1)
        >>> MinibatchStandardDeviation()(x).flatten(1)
        tensor([[1., 2.],
                [5., 2.]])

    Reference:
        Karras et al. 2018, "Progressive Growing of GANs" (ICLR, arXiv:1710.10196), section 3; groups and features as in
        StyleGAN3's program: biased variance, and 1e-8 inside the root. Its groups are local to a rank too. TF-GAN takes
        one number over the whole batch.
    """

    def __init__(self, group_size: int | None = 4, features: int = 1, *, epsilon: float = 1e-8) -> None:
        super().__init__()
        if group_size is not None:
            check_at_least("group_size", group_size, 1)
        check_at_least("features", features, 1)
        check_positive("epsilon", epsilon)
        self.group_size = group_size
        self.features = features
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` with the maps of deviations as further channels."""
        check_maps("x", x, None)
        if x.shape[1] % self.features:
            raise ValueError(
                f"x must have a multiple of {self.features} channels, one part per feature, got {x.shape[1]}"
            )
        # Half precision would round 1e-8 to 0, where the root has no finite derivative.
        variances = self._variances(widen(x).unflatten(0, (self._size(x.shape[0]), -1)))
        deviations = (variances + self.epsilon).sqrt()
        numbers = deviations.unflatten(1, (self.features, -1)).mean(dim=(2, 3, 4))
        return join_replicated(x, numbers.repeat(x.shape[0] // numbers.shape[0], 1))

    def _size(self, samples: int) -> int:
        name = type(self).__name__
        if self.group_size is None:
            return samples
        if samples < self.group_size:
            if ranks_of_whole_batch(name) > 1:
                raise ValueError(f"x must hold at least {self.group_size} samples on each rank, got {samples}")
            return samples
        if samples % self.group_size:
            raise ValueError(f"x must hold a multiple of group_size={self.group_size} samples, got {samples}")
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
    r"""Add numbers to each sample's features that show how close the rest of the batch is to it.

    .. math:: o_{ik} = \sum_{j \ne i} e^{-\lVert M_k f_i - M_k f_j \rVert_1}

    with the features f of a sample and the projection :math:`M_k` of kernel k.

    Each kernel projects the features to a few numbers and compares them with those of all other samples. From the sums the
    critic can recognize each fake that is similar to many others (mode collapse); `MinibatchStandardDeviation` gives only one
    number per group.

    It couples samples by a sum, so the numbers grow with the batch size. Pass real and fake samples through the critic in
    separate batches of the same size; a gradient penalty measures the gradient of the sum of scores. Each sample is
    compared with the whole batch: ranks gather it, and gradient accumulation, which sees only a part, is refused.

    The projection is initialized so that features of variance 1 have distances of about 1, where closeness is neither 0
    nor 1 and has a useful gradient.

    Args:
        in_features: Length of the feature vector.
        num_kernels: How many numbers are added.
        kernel_features: How many numbers each kernel compares.

    Shape:
        - features: ``(n, in_features)``; every rank must have the same number of samples.
        - result: ``(n, in_features + num_kernels)``, the features first.

    Raises:
        ValueError: A size is below 1; `features` has another shape; the call sees only a part of the batch.

    Example:
        >>> import torch
        >>> from gankit.blocks import MinibatchDiscrimination
        >>> alike = torch.ones(4, 7)
        >>> closeness = MinibatchDiscrimination(7, 2)(alike)[:, 7:]
        >>> torch.testing.assert_close(closeness, torch.full((4, 2), 3.0))  # three others, each at distance 0

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs" (arXiv:1606.03498), section 3.2. As in their
        program, a sample is not compared with itself; the paper's sum includes that constant 1. Their program also
        gives each kernel's weights a learned length, adds a bias, and initializes both from a first batch.
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
        """Return the features, followed by each sample's closeness to the others."""
        check_features(features, self.project.in_features)
        own = self.project(features).unflatten(1, (self.num_kernels, self.kernel_features))
        own = widen(own)
        others, start = gather_whole_batch(type(self).__name__, own)
        distances = (own.unsqueeze(1) - others).abs().sum(dim=3)
        places = torch.arange(others.shape[0], device=own.device)
        itself = places == places[start : start + own.shape[0], None]
        closeness = (-distances).exp().masked_fill(itself.unsqueeze(2), 0).sum(dim=1)
        return torch.cat([features, closeness.to(features.dtype)], dim=1)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_kernels={self.num_kernels}, kernel_features={self.kernel_features}"
