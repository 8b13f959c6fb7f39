"""The LeCam penalty: a critic may not leave its own past far behind."""

import torch

from gankit._core import Scalar, Scores, check_batch, check_floating, widen
from gankit.constraints._score_averages import ScoreAverages


def lecam_penalty(averages: ScoreAverages, real: Scores, fake: Scores) -> Scalar:
    """Mean squared distance of scores beyond the other side's average, for critics that are trained on few samples.

    It is ``mean(relu(real - averages.fake) ** 2) + mean(relu(averages.real - fake) ** 2)``: real scores are drawn towards the
    fakes' average from above, and fake scores towards the reals' from below. Update the averages first, as the authors do,
    then multiply by a weight (theirs are 0.3 for BigGAN on a tenth of CIFAR-10 and 3e-7 for StyleGAN2 on 1000 faces) and add
    it to the critic's loss. The penalty itself keeps no
    state, so that it also serves under gradient accumulation, where the averages are updated between the steps.

    Args:
        averages: Averages of the critic's scores. No gradient reaches what they were made of.
        real: Scores of real samples, with their graph.
        fake: Scores of generated samples, with their graph; the generator's output was detached before the critic saw it.

    Shape:
        `real` and `fake` of any shape with a batch axis, also of unequal ones; the penalty is 0-d, 0 or more, in float32 or
        wider.

    Raises:
        ValueError: A batch is empty, scores are not floating-point, or the averages were never updated.

    Example:
        >>> import torch
        >>> from gankit.constraints import ScoreAverages, lecam_penalty
        >>> averages = ScoreAverages()
        >>> real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0])
        >>> averages.update(real, fake)  # averages 2 and -1
        >>> lecam_penalty(averages, real, fake)  # (2² + 4²) / 2 + 3²
        tensor(19.)

    Reference:
        Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data", section 3.2. The paper squares the
        whole distance; both of its programs, StudioGAN and gankit square the part beyond the average only, so that a real score
        below the fakes' average pays nothing. For how the programs' averages differ, see `ScoreAverages`.
    """
    return _hinge("real", real, averages.fake, 1) + _hinge("fake", fake, averages.real, -1)


def _hinge(name: str, scores: Scores, anchor: Scalar, sign: int) -> Scalar:
    check_floating(name, scores)
    check_batch(name, scores)
    return torch.relu(sign * (widen(scores) - anchor)).square().mean()
