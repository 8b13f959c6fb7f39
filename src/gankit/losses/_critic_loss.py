"""What the critic pays."""

from gankit._core import Scalar, ScoreMaps, as_maps, as_matching_maps
from gankit.losses._labeled_loss import side_price
from gankit.losses._objective import Objective


def critic_loss(
    objective: Objective,
    real: ScoreMaps,
    fake: ScoreMaps,
    *,
    real_labels: ScoreMaps | None = None,
    fake_labels: ScoreMaps | None = None,
) -> Scalar:
    """Mean price of real scores plus mean price of fake ones.

    Labels soften or flip the two sides: a sample with label t pays ``t * objective.real + (1 - t) * objective.fake``. For
    `gankit.losses.Logistic` this is cross-entropy with the soft target t, exactly. `gankit.losses.labeled_loss` is one
    side alone.

    Args:
        objective: Prices one score; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them (several scales or patches).
        fake: Scores of generated samples, of the same shapes. Detach the generator's output first: nothing here does.
        real_labels: Label of each real score, usually 1 or a little less; None stands for 1.
        fake_labels: Label of each fake score, usually 0 or a little more; None stands for 0.

    Shape:
        Scores and labels have any shape with a batch axis, equal for `real`, `fake` and their labels; the loss is 0-d, in
        float32 or wider. With several maps it is the mean within each map, then across maps. (StyleGAN-T and pix2pixHD sum
        over maps: multiply by their number to agree.)

    Raises:
        ValueError: Shapes differ, so that ``(n,)`` is never broadcast against ``(n, 1)``; a batch is empty; scores are
            not floating-point.

    Warns:
        UserWarning: A label lies outside 0..1, where most objectives have no minimum (checked on the CPU).

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, critic_loss
        >>> real, fake = torch.tensor([2.0, 1.0, 3.0]), torch.tensor([-1.0, 0.0, -2.0])
        >>> critic_loss(Logistic(), real, fake)
        tensor(0.5407)
        >>> critic_loss(Logistic(), real, fake, real_labels=torch.full((3,), 0.9))
        tensor(0.7407)
    """
    real_maps = as_maps("real", real)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    real_price = side_price(objective, "real", real_maps, real_labels, objective.real)
    return real_price + side_price(objective, "fake", fake_maps, fake_labels, objective.fake)
