"""What ReACGAN's critic tells classes by: embeddings on the unit sphere, and one proxy a class."""

import torch
from torch import nn

from gankit._core import check_at_least
from gankit.blocks._maps import check_features


class DataToDataHead(nn.Module):
    """Place the critic's features on the unit sphere, beside one point a class.

    The two results are what `gankit.losses.data_to_data_loss` compares. It succeeds `ClassHead`, whose gradients grow
    without bound with the length of the features: here nothing has a length.

    The proxies are parameters. They are returned, not reached for, so that a wrapper for data parallelism sees them used.

    Args:
        in_features: The length of the feature vector.
        num_classes: The number of classes of one attribute; several attributes have a head each.
        embedding_features: The length of an embedding.

    Shape:
        - features: ``(n, in_features)``.
        - result: embeddings ``(n, embedding_features)`` and proxies ``(num_classes, embedding_features)``, in float32 or
          wider, rows of length 1 (a row of zeros stays).

    Raises:
        ValueError: A size is below 1; `features` has another shape or no sample.

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
        Kang, Shim, Cho and Park 2021, "Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training" (NeurIPS), sections
        3.1 and 3.2. As in their program (StudioGAN) the embedding is a linear layer with bias, 512 long for 32 x 32 pictures.
        That program normalizes both spectrally too, and returns each sample's own proxy, not all of them.
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
        return _on_sphere(self.embed(features)), _on_sphere(self.proxies)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"num_classes={len(self.proxies)}"


def _on_sphere(vectors: torch.Tensor) -> torch.Tensor:
    wide = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
    lengths = torch.linalg.vector_norm(wide, dim=1, keepdim=True)
    # A vector of zeros has no direction; divided by a tiny number instead, it would get an enormous gradient.
    return wide / lengths.masked_fill(lengths == 0, 1)
