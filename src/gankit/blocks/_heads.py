"""The last layers of critics: class logits, scores, maps of scores, and embeddings."""

from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Conditioned, Scores, as_class_counts, check_at_least, unit_rows
from gankit.blocks._maps import check_condition, check_features, check_maps


class ClassHead(nn.Module):
    """Predict the class of each attribute from the critic's features: the auxiliary classifier of AC-GAN.

    One linear layer serves all attributes; its result is split into the logits of each attribute.

    Args:
        in_features: Length of the feature vector.
        num_classes: Number of classes of each attribute; a plain number means one attribute.

    Shape:
        - features: ``(n, in_features)``.
        - result: a tuple of logits ``(n, num_classes[attribute])``, in the order of the attributes.

    Raises:
        ValueError: `in_features` is below 1; `num_classes` is empty or has an entry below 1; `features` has another
            shape or is empty.

    Example:
        >>> import torch
        >>> from gankit.blocks import ClassHead
        >>> hair, eyes = ClassHead(512, (12, 11))(torch.randn(2, 512))
        >>> hair.shape, eyes.shape
        (torch.Size([2, 12]), torch.Size([2, 11]))

    Reference:
        Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs" (ICML,
        arXiv:1610.09585), equation 3. The results are logits, not probabilities: their loss is a cross-entropy.
    """

    def __init__(self, in_features: int, num_classes: int | Sequence[int]) -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        self.num_classes = as_class_counts(num_classes)
        self.logits = nn.Linear(in_features, sum(self.num_classes))

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the logits of each attribute."""
        check_features(features, self.logits.in_features)
        return self.logits(features).split(self.num_classes, dim=1)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={self.num_classes}"


class ProjectionHead(nn.Module, Conditioned):
    r"""The end of a projection discriminator (cGAN): score features together with a condition.

    .. math:: s = w \cdot f + b + (V c) \cdot f

    with the features f, the condition c, the layer `linear` (w, b) and the layer `project` (V).

    The first two terms score whether the sample is real, the last one whether it fits the condition. In the paper `features`
    is the critic's last map *summed* over its positions; with a mean the second term is smaller by their number.

    Args:
        in_features: Length of the feature vector.
        condition_features: Length of the condition's vector: the `out_features` of the embedder.

    Shape:
        - features: ``(n, in_features)``.
        - condition: ``(n, condition_features)``.
        - result: ``(n,)``, one score per sample.

    Raises:
        ValueError: A size is below 1; `features` or `condition` has another shape, or `condition` is missing.

    Example:
        >>> import torch
        >>> from gankit.blocks import ProjectionHead
        >>> head = ProjectionHead(512, 23)
        >>> head(torch.randn(2, 512), torch.eye(23)[:2]).shape
        torch.Size([2])

    Reference:
        Miyato and Koyama 2018, "cGANs with Projection Discriminator" (ICLR, arXiv:1802.05637), equation 3: with a
        one-hot condition, `project` holds the vectors V of the classes. mimicry's WGAN-GP critic takes the mean over
        positions instead.
    """

    def __init__(self, in_features: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        check_at_least("condition_features", condition_features, 1)
        self.linear = nn.Linear(in_features, 1)
        self.project = nn.Linear(condition_features, in_features, bias=False)

    def forward(self, features: torch.Tensor, condition: Condition | None = None) -> Scores:
        """Return the scores of `features` under `condition`."""
        check_features(features, self.linear.in_features)
        condition = check_condition(condition, features.shape[0], self.project.in_features)
        return self.linear(features).squeeze(1) + (self.project(condition) * features).sum(dim=1)


class PatchHead(nn.Module):
    """Score each patch of the picture (PatchGAN): a convolution to one channel instead of a single score per sample.

    The critic then judges the texture at each position and takes pictures of any size. Losses take the mean over a map. A
    gradient penalty differentiates the **sum** of a sample's scores, as for every critic: the gradient norm of a map of k
    patches is up to k times that of one score.

    Args:
        in_channels: Channels of the critic's last map.
        kernel_size: Height and width of the convolution.
        padding: Rows and columns of zeros added on each side of the map.

    Shape:
        - x: ``(n, in_channels, height, width)``.
        - result: ``(n, 1, height + 2 * padding - kernel_size + 1, width + 2 * padding - kernel_size + 1)``, scores.

    Raises:
        ValueError: A size is below 1 or `padding` below 0; `x` has another shape, or is smaller than the kernel.

    Example:
        >>> import torch
        >>> from gankit.blocks import PatchHead
        >>> PatchHead(512)(torch.randn(2, 512, 8, 8)).shape
        torch.Size([2, 1, 7, 7])

    Reference:
        Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial Networks"
        (arXiv:1611.07004), section 3.2.2: the last layer of their 70 x 70 PatchGAN. StarGAN's has kernel size 3 and no
        bias.
    """

    def __init__(self, in_channels: int, *, kernel_size: int = 4, padding: int = 1) -> None:
        super().__init__()
        check_at_least("in_channels", in_channels, 1)
        check_at_least("kernel_size", kernel_size, 1)
        check_at_least("padding", padding, 0)
        self.in_channels = in_channels
        self.least = kernel_size - 2 * padding
        self.score = nn.Conv2d(in_channels, 1, kernel_size, padding=padding)

    def forward(self, x: torch.Tensor) -> Scores:
        """Return the map of scores."""
        check_maps("x", x, self.in_channels)
        if min(x.shape[2:]) < self.least:
            raise ValueError(
                f"x must have a height and width of at least {self.least}, got {x.shape[2]} x {x.shape[3]}"
            )
        return self.score(x)


class DataToDataHead(nn.Module):
    """Embed the critic's features on the unit sphere, and return one learned point of the sphere, a proxy, per class.

    `gankit.losses.data_to_data_loss` compares the two results. This is the successor of `ClassHead`, whose gradients grow
    without bound with the norm of the features: here all vectors have norm 1.

    The proxies are parameters. They are part of the result so that a wrapper for data parallelism sees that they are used.

    Args:
        in_features: Length of the feature vector.
        num_classes: Number of classes of one attribute; use one head per attribute.
        embedding_features: Length of an embedding.

    Shape:
        - features: ``(n, in_features)``.
        - result: embeddings ``(n, embedding_features)`` and proxies ``(num_classes, embedding_features)``, in float32 or
          wider, with rows of norm 1 (a row of zeros stays zero).

    Raises:
        ValueError: A size is below 1; `features` has another shape or is empty.

    Example:
        >>> import torch
        >>> from gankit.blocks import DataToDataHead
        >>> from gankit.losses import data_to_data_loss
        >>> head = DataToDataHead(64, 12)
        >>> embeddings, proxies = head(torch.randn(5, 64))
        >>> loss = data_to_data_loss(embeddings, proxies, torch.tensor([0, 3, 11, 3, 7]))
        >>> loss.shape
        torch.Size([])

    Reference:
        Kang, Shim, Cho and Park 2021, "Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training" (NeurIPS,
        arXiv:2111.01118), sections 3.1 and 3.2. As in their program (StudioGAN) the embedding is a linear layer with
        bias, of length 512 for 32 x 32 pictures. That program also applies spectral norm to both, and returns the proxy
        of each sample's class only.
    """

    def __init__(self, in_features: int, num_classes: int, embedding_features: int = 512) -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        check_at_least("num_classes", num_classes, 1)
        check_at_least("embedding_features", embedding_features, 1)
        self.embed = nn.Linear(in_features, embedding_features)
        self.proxies = nn.Parameter(torch.randn(num_classes, embedding_features))

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embeddings of the features, and the proxies."""
        check_features(features, self.embed.in_features)
        return unit_rows(self.embed(features)), unit_rows(self.proxies)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={len(self.proxies)}"
