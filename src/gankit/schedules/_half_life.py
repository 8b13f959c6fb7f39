"""The decay of a weight average, given by its half-life in samples."""

from dataclasses import dataclass

from gankit._core import check_at_least, check_positive


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLife:
    r"""The decay of a moving average (EMA) that forgets half of its past within a number of samples, at any batch size.

    .. math:: \text{decay}(t) = 2^{-b / h(t)}, \qquad h(t) = \min(\text{samples},\; \text{ramp} \cdot t\,b)

    with the `batch_size` b. Without `ramp` the half-life h is `samples` at all times.

    With `ramp` the half-life is at most this share of the samples so far, so that an early average soon forgets the random
    initial weights. Set it as the decay of a `gankit.training.WeightAverage` before each update; with a ramp, make that with
    ``warmup=False``.

    Args:
        samples: The half-life: the number of samples after which old weights have half their influence.
        batch_size: Samples from one update of the average to the next.
        ramp: The largest half-life as a share of the samples so far, above 0. None: the half-life is `samples` from the start.

    Raises:
        ValueError: A number is out of its range; or, when called, the time is negative or not a whole number.

    Example:
        >>> from gankit.schedules import HalfLife
        >>> decay = HalfLife(samples=100, batch_size=10, ramp=0.5)
        >>> [round(decay(t), 4) for t in (0, 2, 20, 999)]  # half-lives of 0, 10, 100 and 100 samples
        [0.0, 0.5, 0.933, 0.933]

    Reference:
        Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (arXiv:2006.06676): its program
        takes ``samples=1000 * batch_size * 10 / 32`` and, for its automatic configuration, ``ramp=0.05``. Its first
        update copies the weights, as here.
    """

    samples: float
    batch_size: int
    ramp: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_positive("samples", self.samples)
        check_at_least("batch_size", self.batch_size, 1)
        if self.ramp is not None:
            check_positive("ramp", self.ramp)

    def __call__(self, t: int) -> float:
        """Return the decay of the update at time `t`, the number of updates before it."""
        check_at_least("t", t, 0)
        half_life = self.samples if self.ramp is None else min(self.samples, self.ramp * t * self.batch_size)
        return 0.5 ** (self.batch_size / half_life) if half_life else 0.0
