"""What the generator pays."""

from gankit._core import Scalar, ScoreMaps, as_maps, mean_over_maps
from gankit.losses._objective import Objective


def generator_loss(objective: Objective, fake: ScoreMaps) -> Scalar:
    """Mean price to the generator of the scores of its own samples.

    Args:
        objective: Prices one score; see `gankit.losses.Objective`.
        fake: Scores of generated samples, a tensor or a sequence of them, with the generator's graph attached.

    Shape:
        Any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps it is the mean within each map,
        then across maps.

    Raises:
        ValueError: The batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, generator_loss
        >>> generator_loss(Hinge(), [torch.ones(2, 1, 4, 4), torch.full((2, 1, 2, 2), 3.0)])
        tensor(-2.)
    """
    return mean_over_maps([objective.generator(scores) for scores in as_maps("fake", fake)])
