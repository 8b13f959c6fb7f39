"""The patch head: its definition, what one score sees, and maps that are too small."""

import pytest
import torch
from blocks import oracles
from blocks.cases import fill_, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, normal, seeds
from torch.testing import assert_close

from gankit.blocks import PatchHead
from gankit.losses import Hinge, critic_loss


def filled(in_channels: int, kernel_size: int = 4, padding: int = 1, seed: int = 4) -> PatchHead:
    head = PatchHead(in_channels, kernel_size=kernel_size, padding=padding).double()
    fill_(head, seed)
    return head


@given(
    seed=seeds,
    channels=st.sampled_from(PRIMES),
    size=st.sampled_from(((5, 7), (3, 4), (4, 2))),
    window=st.sampled_from(((4, 1), (3, 1), (1, 0), (2, 0), (5, 2))),
)
def test_equals_its_definition(seed: int, channels: int, size: tuple[int, int], window: tuple[int, int]) -> None:
    head, x = filled(channels, *window, seed=seed), normal(seed + 9, 3, channels, *size)
    state = numpy_state(head)
    wanted = oracles.convolve(x.numpy(), state["score.weight"], state["score.bias"], padding=window[1])
    assert_close(head(x), torch.from_numpy(wanted), rtol=1e-10, atol=1e-11)


def test_one_score_sees_one_patch() -> None:
    head, x = filled(3, 3, 1), normal(1, 1, 3, 7, 5).requires_grad_()
    (slope,) = torch.autograd.grad(head(x)[0, 0, 2, 3], x)
    seen = slope[0].abs().sum(dim=0) > 0
    wanted = torch.zeros(7, 5, dtype=torch.bool)
    wanted[1:4, 2:5] = True
    assert torch.equal(seen, wanted)


def test_losses_take_the_map() -> None:
    head, real, fake = filled(3), normal(1, 2, 3, 5, 5), normal(2, 2, 3, 5, 5)
    assert_close(
        critic_loss(Hinge(), head(real), head(fake)),
        critic_loss(Hinge(), head(real).flatten(), head(fake).flatten()),
    )


def test_derivatives_samples_and_inputs() -> None:
    head, x = filled(2), normal(1, 2, 2, 4, 3)
    check_derivatives(head, x)
    check_samples_apart(head, x)
    check_inputs_stay(head, x)


def test_layouts_agree() -> None:
    head, x = filled(3), normal(1, 2, 3, 6, 5)
    assert_close(head(x.clone(memory_format=torch.channels_last)), head(x), rtol=1e-11, atol=1e-12)


def test_copies_and_keys() -> None:
    check_copies(filled(3), normal(1, 2, 3, 6, 5), keys=["score.weight", "score.bias"])


def test_the_smallest_maps() -> None:
    assert PatchHead(3)(torch.zeros(1, 3, 2, 2)).shape == (1, 1, 1, 1)
    assert PatchHead(3, kernel_size=3)(torch.zeros(1, 3, 1, 1)).shape == (1, 1, 1, 1)
    assert PatchHead(3, kernel_size=1, padding=0)(torch.zeros(1, 3, 1, 2)).shape == (1, 1, 1, 2)


def test_mistakes_are_named() -> None:
    head = PatchHead(3)
    cases = {
        "in_channels must be at least 1, got 0": lambda: PatchHead(0),
        "kernel_size must be at least 1, got 0": lambda: PatchHead(3, kernel_size=0),
        "padding must be at least 0, got -1": lambda: PatchHead(3, padding=-1),
        r"x must have shape \(n, 3, height, width\), got \(2, 3\)": lambda: head(torch.zeros(2, 3)),
        "x must have a height and width of at least 2, got 5 x 1": lambda: head(torch.zeros(2, 3, 5, 1)),
        "x must not be empty": lambda: head(torch.zeros(0, 3, 4, 4)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
