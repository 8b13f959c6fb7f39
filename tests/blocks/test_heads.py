"""Heads: class logits in order, and the projection's two terms."""

import copy
import pickle

import numpy as np
import pytest
import torch
from blocks.cases import fill_
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, normal, seeds
from torch.testing import assert_close

from gankit.blocks import ClassHead, Conditioned, ProjectionHead

primes = st.sampled_from(PRIMES)


@given(
    seed=seeds, samples=batch_sizes, features=primes, num_classes=st.lists(st.integers(1, 7), min_size=1, max_size=3)
)
def test_class_logits_equal_their_definition(seed: int, samples: int, features: int, num_classes: list[int]) -> None:
    head = ClassHead(features, num_classes).double()
    fill_(head, seed)
    x = normal(seed + 7, samples, features)
    logits = head(x)
    assert isinstance(logits, tuple)
    start = 0
    for count, got in zip(num_classes, logits, strict=True):
        rows = head.logits.weight.detach().numpy()[start : start + count]
        shifts = head.logits.bias.detach().numpy()[start : start + count]
        wanted = np.array([[float(np.dot(row, h) + b) for row, b in zip(rows, shifts, strict=True)] for h in x.numpy()])
        assert_close(got, torch.from_numpy(wanted), rtol=1e-12, atol=1e-12)
        start += count


@given(seed=seeds, samples=batch_sizes, features=primes, condition_features=primes)
def test_projection_equals_its_definition(seed: int, samples: int, features: int, condition_features: int) -> None:
    head = ProjectionHead(features, condition_features).double()
    fill_(head, seed)
    x, condition = normal(seed + 7, samples, features), normal(seed + 8, samples, condition_features)
    weight, bias = (value.detach().numpy() for value in head.linear.parameters())
    vectors = head.project.weight.detach().numpy()
    wanted = [
        np.sum(weight[0] * h) + bias[0] + np.sum((vectors @ c) * h)
        for h, c in zip(x.numpy(), condition.numpy(), strict=True)
    ]
    scores = head(x, condition)
    assert scores.shape == (samples,)
    assert_close(scores, torch.from_numpy(np.array(wanted)), rtol=1e-11, atol=1e-11)


@given(seed=seeds, samples=batch_sizes)
def test_projection_keeps_samples_apart(seed: int, samples: int) -> None:
    head = ProjectionHead(5, 3).double()
    x, condition = normal(seed, samples, 5), normal(seed + 1, samples, 3)
    apart = torch.cat([head(x[i : i + 1], condition[i : i + 1]) for i in range(samples)])
    assert_close(head(x, condition), apart, rtol=1e-12, atol=1e-12)


def test_without_a_condition_to_speak_of_only_the_linear_term_is_left() -> None:
    head = ProjectionHead(5, 3).double()
    x = normal(1, 2, 5)
    assert_close(head(x, torch.zeros(2, 3).double()), head.linear(x).squeeze(1))


def test_projection_is_marked_as_conditioned() -> None:
    assert isinstance(ProjectionHead(2, 2), Conditioned)


def test_first_and_second_derivatives() -> None:
    head = ProjectionHead(3, 2).double()
    inputs = normal(1, 4, 3).requires_grad_(), normal(2, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(head, inputs)
    assert torch.autograd.gradgradcheck(head, inputs)
    classes = ClassHead(3, (2, 5)).double()
    assert torch.autograd.gradcheck(classes, inputs[:1])


def test_one_number_of_classes_is_one_attribute() -> None:
    (logits,) = ClassHead(3, 7)(torch.zeros(2, 3))
    assert logits.shape == (2, 7)


def test_copies_pickles_and_keys() -> None:
    x, condition = normal(1, 2, 5), normal(2, 2, 3)
    classes, projection = ClassHead(5, (2, 3)).double(), ProjectionHead(5, 3).double()
    for copied in (copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))):
        assert_close(copied(classes)(x), classes(x), rtol=0, atol=0)
        assert_close(copied(projection)(x, condition), projection(x, condition), rtol=0, atol=0)
    assert list(classes.state_dict()) == ["logits.weight", "logits.bias"]
    assert list(projection.state_dict()) == ["linear.weight", "linear.bias", "project.weight"]
    assert "num_classes=(2, 3)" in repr(classes)


def test_mistakes_are_named() -> None:
    classes, projection = ClassHead(5, (2, 3)), ProjectionHead(5, 3)
    cases = {
        "in_features must be at least 1, got 0": lambda: ClassHead(0, (2,)),
        "num_classes must name at least one attribute": lambda: ClassHead(5, ()),
        "num_classes must be at least 1, got 0": lambda: ClassHead(5, (2, 0)),
        r"features must have shape \(n, 5\), got \(2, 4\)": lambda: classes(torch.zeros(2, 4)),
        r"features must have shape \(n, 5\), got \(2, 5, 1, 1\)": lambda: classes(torch.zeros(2, 5, 1, 1)),
        "features must not be empty": lambda: classes(torch.zeros(0, 5)),
        "features must be a floating-point tensor": lambda: classes(torch.zeros(2, 5).long()),
        "condition_features must be at least 1, got 0": lambda: ProjectionHead(5, 0),
        "condition must be given": lambda: projection(torch.zeros(2, 5)),
        r"condition must have shape \(2, 3\), got \(1, 3\)": lambda: projection(torch.zeros(2, 5), torch.zeros(1, 3)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
    with pytest.raises(ValueError, match="in_features must be at least 1"):
        ProjectionHead(0, 3)
