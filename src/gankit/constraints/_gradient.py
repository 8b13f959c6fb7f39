"""The critic's gradient at its samples and the norm of it: the two parts that every gradient penalty is made of."""

from typing import Annotated

import torch

from gankit._core import Scores, autocast_is_on, check_floating, is_wide, values_are_readable, widen
from gankit.constraints._audit import call_audited, check_scores_graph, in_place_message
from gankit.constraints._points import (
    PointCritic,
    Points,
    PointsT,
    check_critic,
    check_points,
    check_rows,
    map_points,
    named_parts,
    parts_of,
    with_parts,
)


def score_gradient(scores: Scores, inputs: PointsT) -> PointsT:
    r"""Gradient of each sample's scores with respect to that sample, differentiable again.

    .. math:: \nabla_x \sum_k D_k(x)

    with the scores :math:`D_k` of one sample x, usually one.

    Use it if the forward pass exists already: R1 can share the critic's pass over the real batch.

    Args:
        scores: What the critic returned for `inputs`: one row for each sample, or several. If a sample has several scores
            (patches), the gradient is that of their sum.
        inputs: What the critic was given: a tensor, or a mapping or tuple of them. Each required gradients before the
            critic saw it.

    Shape:
        The gradient has the form and shapes of `inputs`, in float32 or wider. It is per sample only if the critic treats
        samples separately: batch normalization couples them.

    Raises:
        ValueError: `inputs` do not require gradients, `scores` have no graph, or their rows are fewer than the samples or no
            multiple of them, the critic ignores its input or a part of it, or it cannot be differentiated twice: it has fused
            attention (run it under ``torch.nn.attention.sdpa_kernel(SDPBackend.MATH)``) or is compiled by itself. The last
            check runs once for each critic.

    Example:
        >>> import torch
        >>> from gankit.constraints import score_gradient
        >>> images = torch.ones(2, 3, requires_grad=True)
        >>> score_gradient((images ** 2).sum(1), images)
        tensor([[2., 2., 2.],
                [2., 2., 2.]], grad_fn=<MulBackward0>)
    """
    check_points("inputs", inputs)
    for name, part in named_parts("inputs", inputs).items():
        if not part.requires_grad:
            raise ValueError(
                f"{name} must require gradients before the critic sees them: call {name}.requires_grad_() first"
            )
    _check_scores(scores, parts_of(inputs)[0].shape[0])
    check_scores_graph(scores, parts_of(inputs))
    return _gradient(scores, inputs)


def gradient_norm(critic: PointCritic[PointsT], points: PointsT) -> Annotated[torch.Tensor, "(n,)"]:
    r"""Euclidean norm of the critic's gradient at each point, over all axes but the first; differentiable again.

    .. math:: \lVert \nabla_x D(x) \rVert_2

    If a sample has several parts (an image and a mask, a text), give them in a mapping or a tuple: the critic is called with
    one argument of that form, and the norm is that of all parts together. Inputs that are not to be differentiated are bound
    by a lambda.

    At a zero gradient the norm is 0 and its slope is 0, never NaN. Very large and very small gradients are scaled before they
    are squared, so that the norm is right over the whole range of its dtype.

    The first eager call of each critic is audited, here and in every penalty that takes this gradient; later calls take a few
    microseconds. Attention runs in torch's plain form, since the fused forms cannot be differentiated twice.

    Under autocast the critic runs in autocast's dtype; the points, the gradient and the norm are float32.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda. Its scores have a row for each sample, or
            several; the gradient is then that of their sum.
        points: Where the gradient is taken: a tensor, or a mapping (which the critic receives as a dict) or tuple of them.
            They are detached.

    Shape:
        `points` ``(n, ...)`` of any rank, each part; the norm ``(n,)``, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, a part is not floating-point or has another number of samples, the critic ignores
            its input or one of its parts, it changes its input in place, it returns fewer rows of scores than samples or no
            multiple of them, it is compiled by itself (compile the whole step instead, with
            ``torch._dynamo.config.trace_autograd_ops`` on), or the call is made inside ``torch.inference_mode``.

    Warns:
        UserWarning: The critic has batch normalization in training mode, which couples the samples; or a module with a
            shortcut in it may read values that an activation changed in place.

    Example:
        >>> import torch
        >>> from gankit.constraints import gradient_norm
        >>> slope = torch.tensor([3.0, 4.0])
        >>> gradient_norm(lambda x: x @ slope, torch.zeros(2, 2)).tolist()
        [5.0, 5.0]
        >>> pairs = {"image": torch.zeros(2, 2), "text": torch.zeros(2, 1)}
        >>> gradient_norm(lambda x: x["image"] @ slope + 12.0 * x["text"].sum(1), pairs).tolist()
        [13.0, 13.0]
    """
    check_points("points", points)
    return norm_at(critic, points)


def norm_at(critic: PointCritic[PointsT], points: PointsT) -> torch.Tensor:
    """Return `gradient_norm` at checked points."""
    rows = [part.flatten(1) for part in parts_of(gradient_at(critic, points))]
    # A norm of the parts' norms would have a wrong second derivative where the gradient of one part is zero.
    joined = rows[0] if len(rows) == 1 else torch.cat(rows, dim=1)
    norms = torch.linalg.vector_norm(joined, dim=1)
    if values_are_readable(norms) and 2**-32 < min(values := norms.tolist()) <= max(values) < 2**32:
        return norms  # the usual case, in less time on the CPU: the scale below would change no bit
    scale = _power_of_two(norms.detach())
    return torch.linalg.vector_norm(joined / scale[:, None], dim=1) * scale


def gradient_at(critic: PointCritic[PointsT], points: PointsT) -> PointsT:
    """Return the gradient of the critic at checked points, which are detached first; works under ``no_grad`` too."""
    check_critic(critic)
    if not torch.compiler.is_compiling() and torch.is_inference_mode_enabled():
        raise ValueError("gradients cannot be taken inside torch.inference_mode(): use torch.no_grad(), or leave it")
    if torch.is_grad_enabled():
        return _recorded_gradient_at(critic, points)
    with torch.enable_grad():
        return _recorded_gradient_at(critic, points)


def _recorded_gradient_at(critic: PointCritic[PointsT], points: PointsT) -> PointsT:
    leaves = map_points(_leaf, points)
    try:
        scores = call_audited(critic, leaves)
    except RuntimeError as error:
        if "leaf Variable that requires grad" not in str(error):
            raise
        raise ValueError(in_place_message(critic)) from error
    _check_scores(scores, parts_of(leaves)[0].shape[0])
    return _gradient(scores, leaves)


def squared_norms(gradient: Points) -> torch.Tensor:
    """Return the squared Euclidean norm of each sample's gradient, over all its parts together."""
    parts = [part.flatten(1).square().sum(1) for part in parts_of(gradient)]
    return sum(parts[1:], start=parts[0])


def _gradient(scores: Scores, inputs: PointsT) -> PointsT:
    gradients = torch.autograd.grad(
        outputs=scores,
        inputs=parts_of(inputs),
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        allow_unused=True,
    )
    wide = []
    for position, gradient in enumerate(gradients):
        if gradient is None:
            name = list(named_parts("inputs", inputs))[position]
            raise ValueError(f"scores must depend on {name}, got a critic that ignores its input")
        wide.append(widen(gradient))
    return with_parts(inputs, wide)


def _leaf(point: torch.Tensor) -> torch.Tensor:
    point = point.detach()
    if not is_wide(point) and autocast_is_on(point.device.type):
        # Autocast lowers the critic's layers by itself; the gradient at a float32 point is float32.
        point = widen(point)
    return point.requires_grad_()


def _power_of_two(norms: torch.Tensor) -> torch.Tensor:
    """Return scales that keep the squares of the rows in range; 1 for norms between 2**-32 and 2**32.

    A norm may be infinite or 0 because the squares overflowed or vanished: the largest or smallest scale serves there.
    """
    limits = torch.finfo(norms.dtype)
    exponents = norms.clamp(limits.tiny, limits.max / 2).log2()
    return (32 * (exponents / 32).trunc()).exp2()


def _check_scores(scores: Scores, samples: int) -> None:
    check_floating("scores", scores)
    if not scores.requires_grad:
        raise ValueError(
            "scores must have a graph, got scores that require no gradient: was the critic run without gradients, or does "
            "it ignore its input?"
        )
    check_rows(scores, samples)
