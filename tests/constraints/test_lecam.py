"""The LeCam penalty and its averages of scores."""

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, score_shapes, seeds
from torch._dynamo.testing import CompileCounterWithBackend

from gankit._core import batch_in_parts
from gankit.constraints import ScoreAverages, lecam_penalty

decays = st.sampled_from((0.0, 0.3, 0.9, 0.99, 0.9999))


@given(seed=seeds, decay=decays, updates=st.integers(1, 6), shape=score_shapes)
def test_each_average_weighs_batches_by_powers_of_the_decay(
    seed: int, decay: float, updates: int, shape: tuple[int, ...]
) -> None:
    averages = ScoreAverages(decay=decay)
    real = [normal(seed + k, *shape) + k for k in range(updates)]
    fake = [normal(seed + 100 + k, *shape, scale=2.0) - k for k in range(updates)]
    for r, f in zip(real, fake, strict=True):
        averages.update(r, f)
    weights = np.array([decay ** (updates - 1 - k) for k in range(updates)])
    for side, batches in ((averages.real, real), (averages.fake, fake)):
        expected = np.sum(weights * np.array([batch.numpy().mean() for batch in batches])) / np.sum(weights)
        assert side.item() == pytest.approx(expected, rel=1e-10, abs=1e-10)
        assert side.ndim == 0


def test_constant_scores_have_their_value_as_average_from_the_first_update() -> None:
    averages = ScoreAverages(decay=0.999)
    for _ in range(3):
        averages.update(torch.full((5,), 3.0), torch.full((2, 1), -2.0))
        torch.testing.assert_close(averages.real, torch.tensor(3.0))
        torch.testing.assert_close(averages.fake, torch.tensor(-2.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("side", ["real", "fake"])
def test_scores_that_are_not_finite_are_passed_over(bad: float, side: str) -> None:
    averages = ScoreAverages(decay=0.5)
    averages.update(torch.tensor([1.0, 3.0]), torch.tensor([5.0]))
    scores = {"real": torch.tensor([1.0]), "fake": torch.tensor([1.0])}
    averages.update(**(scores | {side: torch.tensor([bad, 1.0])}))
    assert (averages.real.item(), averages.fake.item()) == (2.0, 5.0)


def test_a_first_batch_that_is_not_finite_leaves_no_trace() -> None:
    averages = ScoreAverages(decay=0.5)
    averages.update(torch.tensor([math.nan]), torch.tensor([1.0]))
    averages.update(torch.tensor([2.0]), torch.tensor([1.0]))
    assert (averages.real.item(), averages.fake.item()) == (2.0, 1.0)


def test_no_graph_is_kept_and_the_storage_stays() -> None:
    averages = ScoreAverages()
    scores = torch.ones(3, requires_grad=True)
    averages.update(scores * 2, scores)
    assert averages._biased is not None
    place = averages._biased.data_ptr()
    averages.update(scores * 2, scores)
    assert averages._biased.data_ptr() == place
    assert not averages.real.requires_grad
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("dtype", "kept"), [(torch.bfloat16, torch.float32), (torch.float32, torch.float32), (torch.float64, torch.float64)]
)
def test_averages_are_float32_or_wider(dtype: torch.dtype, kept: torch.dtype) -> None:
    averages = ScoreAverages()
    averages.update(torch.full((4096,), 1.01, dtype=dtype), torch.ones(2, dtype=dtype))
    assert averages.real.dtype == kept
    torch.testing.assert_close(averages.real.double(), torch.full((), 1.01, dtype=dtype).double(), rtol=1e-6, atol=0)


def test_averages_keep_their_dtype_where_scores_change_theirs() -> None:
    averages = ScoreAverages(decay=0.5)
    averages.update(torch.ones(2), torch.ones(2))
    averages.update(torch.full((2,), 4.0, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    assert averages.real.dtype == torch.float32
    assert averages.real.item() == pytest.approx(3.0)


def test_a_state_goes_through_a_file_and_continues_exactly() -> None:
    averages, copy = ScoreAverages(decay=0.9), ScoreAverages(decay=0.9)
    averages.update(normal(0, 5), normal(1, 5))
    file = io.BytesIO()
    torch.save(averages.state_dict(), file)
    file.seek(0)
    copy.load_state_dict(torch.load(file, weights_only=True))
    for each in (averages, copy):
        each.update(normal(2, 5), normal(3, 5))
    assert torch.equal(averages.real, copy.real)
    assert torch.equal(averages.fake, copy.fake)


def test_a_state_is_a_copy() -> None:
    averages, other = ScoreAverages(decay=0.5), ScoreAverages(decay=0.5)
    assert averages.state_dict() == {"version": 1, "biased": None}
    averages.update(torch.tensor([1.0]), torch.tensor([1.0]))
    state = averages.state_dict()
    other.load_state_dict(state)
    averages.update(torch.tensor([7.0]), torch.tensor([7.0]))
    other.update(torch.tensor([3.0]), torch.tensor([3.0]))
    assert state["biased"].tolist() == [0.5, 0.5, 0.5]
    other.load_state_dict({"version": 1, "biased": None})
    with pytest.raises(ValueError, match="averages must be updated before they are used"):
        _ = other.real


def test_a_compiled_step_updates_them_without_compiling_each_time() -> None:
    torch.compiler.reset()
    counter = CompileCounterWithBackend("aot_eager")
    averages, eager = ScoreAverages(decay=0.7), ScoreAverages(decay=0.7)

    @torch.compile(backend=counter, fullgraph=True)
    def step(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        averages.update(real, fake)
        return averages.real - averages.fake

    for k in range(5):
        real, fake = normal(k, 5), normal(k + 10, 5)
        eager.update(real, fake)
        torch.testing.assert_close(step(real, fake), eager.real - eager.fake)
    assert counter.frame_count == 2  # before and after the averages exist


def test_a_part_of_the_batch_is_refused() -> None:
    with batch_in_parts(), pytest.raises(ValueError, match="ScoreAverages needs the whole batch, got one part of it"):
        ScoreAverages().update(torch.ones(2), torch.ones(2))


@pytest.mark.parametrize("decay", [1, 1.0, -0.1, 1.5, math.nan, True, "0.9"])
def test_the_decay_lies_below_one(decay: object) -> None:
    with pytest.raises(ValueError, match="decay must"):
        ScoreAverages(decay=decay)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (torch.zeros(0), torch.ones(2), "real must not be empty"),
        (torch.ones(2), torch.zeros(0), "fake must not be empty"),
        (torch.ones(()), torch.ones(2), "real must have a batch axis"),
        (torch.ones(2), torch.ones(2, dtype=torch.int64), "fake must be a floating-point tensor"),
    ],
)
def test_scores_are_checked(real: torch.Tensor, fake: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScoreAverages().update(real, fake)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"biased": None}, "must have version 1, got None"),
        ({"version": 2, "biased": None}, "must have version 1, got 2"),
        ({"version": 1, "biased": torch.ones(2)}, "must hold a tensor of 3 numbers"),
        ({"version": 1, "biased": [1.0, 2.0, 3.0]}, "must hold biased as a dense tensor"),
        ({"version": 1}, r"must hold \['biased'\], got none"),
        ({"version": 1, "biased": None, "more": 1}, "only, got 'more' too"),
        ({"version": 1, "biased": torch.tensor([1.0, math.nan, 1.0])}, "must hold finite numbers"),
        ({"version": 1, "biased": torch.tensor([1.0, 1.0, -1.0])}, "must hold finite numbers"),
    ],
)
def test_a_wrong_state_is_refused(state: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScoreAverages().load_state_dict(state)


@pytest.mark.cuda
def test_nothing_waits_for_the_device() -> None:
    averages, real, fake = ScoreAverages(), torch.randn(5, device="cuda"), torch.randn(5, device="cuda")
    averages.update(real, fake)  # the first call of a kernel loads it
    torch.cuda.set_sync_debug_mode("error")
    try:
        averages.update(real, fake)
        penalty = lecam_penalty(averages, real, fake)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    on_cpu = ScoreAverages()
    on_cpu.update(real.cpu(), fake.cpu())
    torch.testing.assert_close(penalty.cpu(), lecam_penalty(on_cpu, real.cpu(), fake.cpu()))


def test_it_prints_its_decay() -> None:
    assert repr(ScoreAverages(decay=0.9)) == "ScoreAverages(decay=0.9)"
    assert ScoreAverages().decay == 0.99


def _averages(real: float, fake: float) -> ScoreAverages:
    averages = ScoreAverages()
    averages.update(torch.tensor([real], dtype=torch.float64), torch.tensor([fake], dtype=torch.float64))
    return averages


levels = st.floats(-3, 3)


@given(seed=seeds, shape=score_shapes, other_shape=score_shapes, real_level=levels, fake_level=levels)
def test_it_squares_what_is_beyond_the_other_sides_average(
    seed: int, shape: tuple[int, ...], other_shape: tuple[int, ...], real_level: float, fake_level: float
) -> None:
    real, fake = normal(seed, *shape, scale=2.0), normal(seed + 1, *other_shape, scale=2.0)
    above = [(r - fake_level) ** 2 if r > fake_level else 0.0 for r in real.numpy().ravel()]
    below = [(real_level - f) ** 2 if f < real_level else 0.0 for f in fake.numpy().ravel()]
    penalty = lecam_penalty(_averages(real_level, fake_level), real, fake)
    assert penalty.item() == pytest.approx(float(np.mean(above) + np.mean(below)), rel=1e-9, abs=1e-12)


def test_scores_that_have_changed_sides_pay_nothing() -> None:
    averages = _averages(real=2.0, fake=-1.0)
    assert lecam_penalty(averages, torch.tensor([-1.0, -5.0]), torch.tensor([2.0, 9.0])) == 0


@given(seed=seeds)
def test_each_side_has_its_own_slope(seed: int) -> None:
    real, fake = normal(seed, 5, 1).requires_grad_(), normal(seed + 1, 3).requires_grad_()
    lecam_penalty(_averages(0.2, -0.3), real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    torch.testing.assert_close(real.grad, 2 * (real.detach() + 0.3).clamp(min=0) / 5)
    torch.testing.assert_close(fake.grad, -2 * (0.2 - fake.detach()).clamp(min=0) / 3)


def test_gradients_are_those_of_the_value() -> None:
    real, fake = normal(3, 5).requires_grad_(), normal(4, 7).requires_grad_()
    averages = _averages(0.1, -0.1)
    assert torch.autograd.gradcheck(lambda r, f: lecam_penalty(averages, r, f), (real, fake))


def test_the_published_order_updates_first_and_the_averages_get_no_gradient() -> None:
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    real, fake = normal(0, 5), normal(1, 5)
    averages = ScoreAverages()
    averages.update(weight * real, weight * fake)
    lecam_penalty(averages, weight * real, weight * fake).backward()
    level_real, level_fake = 2 * real.mean(), 2 * fake.mean()
    expected = (2 * (2 * real - level_fake).clamp(min=0) * real).mean()
    expected = expected - (2 * (level_real - 2 * fake).clamp(min=0) * fake).mean()
    torch.testing.assert_close(weight.grad, expected)


def test_parts_of_a_batch_are_served_with_given_averages() -> None:
    averages, real, fake = _averages(0.5, -0.5), normal(0, 6), normal(1, 6)
    with batch_in_parts():
        parts = sum(lecam_penalty(averages, real[rows], fake[rows]) / 2 for rows in (slice(3), slice(3, None)))
    torch.testing.assert_close(parts, lecam_penalty(averages, real, fake))


def test_half_precision_is_computed_in_float32() -> None:
    penalty = lecam_penalty(_averages(0.0, 0.0), torch.full((3,), 300.0, dtype=torch.float16), torch.ones(1))
    assert penalty.dtype == torch.float32
    assert penalty == 90_000


def test_mistakes_are_named() -> None:
    scores = torch.ones(2)
    with pytest.raises(ValueError, match=r"averages must be updated before they are used: call update\(real, fake\)"):
        lecam_penalty(ScoreAverages(), scores, scores)
    averages = _averages(1.0, 0.0)
    with pytest.raises(ValueError, match="real must not be empty"):
        lecam_penalty(averages, scores[:0], scores)
    with pytest.raises(ValueError, match="fake must have a batch axis"):
        lecam_penalty(averages, scores, torch.tensor(1.0))
    with pytest.raises(ValueError, match="fake must be a floating-point tensor"):
        lecam_penalty(averages, scores, torch.ones(2, dtype=torch.int64))
