"""What stands at the end of a critic: class logits, and scores that depend on the condition."""

from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Conditioned, Scores, as_class_counts, check_at_least
from gankit.blocks._maps import check_condition, check_features


class ClassHead(nn.Module):
    """Guess the class of each attribute from the critic's features: the auxiliary classifier of AC-GAN.

    One linear layer serves all attributes; its result is cut into one block of logits an attribute.

    Args:
        in_features: The length of the feature vector.
        num_classes: The number of classes of each attribute (a plain number stands for one attribute).

    Shape:
        - features: ``(n, in_features)``.
        - result: a tuple of ``(n, num_classes[attribute])``, logits, in the order of the attributes.

    Raises:
        ValueError: `in_features` is below 1; `num_classes` is empty or has an entry below 1; `features` has another
            shape or no sample.

    Example:
        >>> import torch
        >>> from gankit.blocks import ClassHead
        >>> hair, eyes = ClassHead(512, (12, 11))(torch.randn(2, 512))
        >>> hair.shape, eyes.shape
        (torch.Size([2, 12]), torch.Size([2, 11]))

    Reference:
        Odena, Olah and Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs" (ICML), equation 3.
        Logits, not probabilities: their price is a cross-entropy.
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
    """Score features together with a condition: ``linear(features) + <project(condition), features>``.

    The first term asks whether the sample is real at all, the second whether it fits the condition. `features` is the
    critic's last map *summed* over its positions in the paper; a mean divides the second term by their number.

    Args:
        in_features: The length of the feature vector.
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - features: ``(n, in_features)``.
        - condition: ``(n, condition_features)``.
        - result: ``(n,)``, one score a sample.

    Raises:
        ValueError: A size is below 1; `features` or `condition` has another shape, or `condition` is missing.

    Example:
        >>> import torch
        >>> from gankit.blocks import ProjectionHead
        >>> head = ProjectionHead(512, 23)
        >>> head(torch.randn(2, 512), torch.eye(23)[:2]).shape
        torch.Size([2])

    Reference:
        Miyato and Koyama 2018, "cGANs with Projection Discriminator" (ICLR), equation 3: with a one-hot condition,
        `project` holds the vectors V of the classes. mimicry's WGAN-GP critic takes the mean over positions instead.
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
