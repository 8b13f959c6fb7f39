"""Batch norm over ranks against torch's over the whole batch."""

from typing import Any

import pytest
import torch
from support.ranks import as_ranks
from torch import nn

from examples.anime_faces.systems._whole_norm import WholeBatchNorm, share_batch_norms

RANKS = 2
KINDS: list[tuple[type[nn.Module], tuple[int, ...]]] = [
    (nn.BatchNorm1d, (6, 3)),
    (nn.BatchNorm1d, (6, 3, 5)),
    (nn.BatchNorm2d, (6, 3, 2, 5)),
]


def _made(kind: Any, **options: Any) -> nn.Module:
    norm = kind(3, **options).double()
    for number, parameter in enumerate(norm.parameters()):
        parameter.data = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + number
    return norm


def _played(norm: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """The result, a gradient of a gradient (as a penalty needs), and the buffers after two batches."""
    x = x.requires_grad_()
    norm(3 * x.detach() + 1)
    y = norm(x)
    (slope,) = torch.autograd.grad((y**3).sum(), x, create_graph=True)
    second = torch.autograd.grad(slope.square().sum(), [x, *norm.parameters()])
    return [y.detach(), slope.detach(), *second, *(buffer.double() for buffer in norm.buffers())]


@pytest.mark.parametrize(("kind", "shape"), KINDS)
@pytest.mark.parametrize(
    "options", [{}, {"affine": False, "momentum": None}, {"track_running_stats": False}, {"momentum": 0.3, "eps": 0.2}]
)
def test_ranks_normalize_as_one_process_does(kind: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    whole = torch.randn(shape, dtype=torch.float64)
    expected = _played(_made(kind, **options), whole.clone())

    def play(rank: int) -> list[torch.Tensor]:
        norm = _made(kind, **options)
        share_batch_norms(norm)
        assert isinstance(norm, WholeBatchNorm)
        return _played(norm, whole.chunk(RANKS)[rank].clone())

    results = as_ranks(RANKS, play)
    for number, one in enumerate(expected):
        parts = [result[number] for result in results]
        if one.shape == whole.shape:
            torch.testing.assert_close(torch.cat(parts), one)
        elif number < 2 + 1 + len(list(_made(kind, **options).parameters())):  # of parameters: ranks add up
            torch.testing.assert_close(sum(parts), one)
        else:
            for part in parts:
                torch.testing.assert_close(part, one)


def test_layers_stay_the_same_objects_with_the_same_state_and_evaluate_alike() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.GroupNorm(1, 3))
    norm, x = network[1], torch.randn(5, 2, 3, 3)
    network(x)
    network.eval()
    before, state = network(x), {name: value.clone() for name, value in network.state_dict().items()}
    share_batch_norms(network)
    assert network[1] is norm
    assert isinstance(norm, WholeBatchNorm)
    assert torch.equal(network(x), before)
    assert list(network.state_dict()) == list(state)
    network[1] = nn.BatchNorm2d(3, track_running_stats=False).eval()
    before = network(x)
    share_batch_norms(network)
    assert torch.equal(network(x), before)


def test_half_precision_is_normalized_in_float32() -> None:
    x = (1000 + torch.randn(8, 3, 4, 4)).to(torch.bfloat16)

    def play(rank: int) -> torch.Tensor:
        norm = nn.BatchNorm2d(3)
        share_batch_norms(norm)
        return norm(x.chunk(RANKS)[rank]).detach()

    joined = torch.cat(as_ranks(RANKS, play))
    assert joined.dtype == torch.bfloat16
    torch.testing.assert_close(joined, nn.BatchNorm2d(3)(x.float()).detach().to(torch.bfloat16))
