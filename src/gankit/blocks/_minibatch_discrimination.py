"""Let the critic see how close each sample is to the others of its batch."""

import torch
from torch import nn

from gankit._core import check_at_least, gather_whole_batch
from gankit.blocks._maps import check_features


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
