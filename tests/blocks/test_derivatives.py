"""First and second derivatives of every convolution block, with every norm, activation, mode and resampling."""

import pytest
import torch
from blocks.cases import channels_last
from blocks.catalogue import ACTIVATIONS, CASES, DIRECTIONS, KINDS, NORMS, Case, build, input_of, name_of
from support.pairwise import pairwise_cases
from torch import nn
from torch.testing import assert_close

PAIRS = pairwise_cases(CASES)
PLAIN = [case for case in CASES if case[3] in ("same", "identity", "up", "down")]


def check(case: Case) -> None:
    block = build(case)
    x = input_of(case)
    _check_derivatives(block, x, weights=not (case[1] == "spectral" and case[4]))
    before, version = x.clone(), x._version
    # Statistics move with every call in training; what is compared starts from the same ones.
    state = {key: value.clone() for key, value in block.state_dict().items()}
    plain = block(x)
    assert torch.equal(x, before)
    assert x._version == version
    block.load_state_dict(state)
    last = channels_last(block)(x.contiguous(memory_format=torch.channels_last))
    assert_close(last, plain, rtol=1e-8, atol=1e-8)


def _check_derivatives(block: nn.Module, x: torch.Tensor, *, weights: bool) -> None:
    """By the input and, where the block is a function of them alone, by the weights.

    In training spectral norm is not: its estimate moves with the weights, and no gradient goes through the estimate.
    """
    names, values = zip(*block.named_parameters(), strict=True) if weights else ((), ())

    def call(x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        buffers = {name: value.clone() for name, value in block.named_buffers()}
        return torch.func.functional_call(block, {**dict(zip(names, rest, strict=True)), **buffers}, (x,))

    inputs = (x.clone().requires_grad_(), *values)
    assert torch.autograd.gradcheck(call, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


@pytest.mark.parametrize("case", PAIRS, ids=name_of)
def test_every_pair_of_choices(case: Case) -> None:
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", PLAIN, ids=name_of)
def test_every_combination(case: Case) -> None:
    check(case)


def test_every_choice_is_among_the_pairs() -> None:
    assert len(PAIRS) < len(CASES) / 10
    for place, choices in enumerate((KINDS, NORMS, ACTIVATIONS, DIRECTIONS, (True, False))):
        assert {case[place] for case in PAIRS} == set(choices)
