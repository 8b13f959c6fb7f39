"""What every augmentation promises, several in sequence, and whole numbers from a draw."""

import dataclasses
from typing import Any

import pytest
import torch
from augment.cases import ALL, WITH_ONE_COIN, images, name_of, uniform
from hypothesis import given, strategies as st
from support.critics import smooth_network
from support.strategies import normal, seeds
from torch.testing import assert_close

from gankit.augment import Augmentation, Brightness, Composed, Cutout, HorizontalFlip, Translation
from gankit.augment._augmentation import whole_numbers
from gankit.constraints import gradient_penalty, zero_centered_penalty


def with_probability(augment: Any, probability: object) -> Augmentation:
    return dataclasses.replace(augment, probability=probability)


every = pytest.mark.parametrize("augment", ALL, ids=name_of)


@every
def test_is_an_augmentation(augment: Augmentation) -> None:
    assert isinstance(augment, Augmentation)
    assert augment.numbers >= 1


@every
@given(x=images(), seed=seeds)
def test_equals_its_replayed_draw_and_takes_it_from_the_generator(
    augment: Augmentation, x: torch.Tensor, seed: int
) -> None:
    state = torch.get_rng_state()
    drawn = augment(x, rng=torch.Generator().manual_seed(seed))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(drawn, augment(x, draw=uniform(seed, len(x), augment.numbers)))
    assert drawn.shape == x.shape


@every
def test_without_a_generator_the_default_one_is_drawn_from(augment: Augmentation) -> None:
    x = normal(0, 5, 3, 8, 8)
    state = torch.get_rng_state()
    draw = torch.rand(5, augment.numbers, dtype=x.dtype)
    torch.set_rng_state(state)
    assert torch.equal(augment(x), augment(x, draw=draw))
    assert not torch.equal(torch.get_rng_state(), state)


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_its_dtype_and_draws_in_float32(augment: Augmentation, dtype: torch.dtype) -> None:
    x = normal(0, 7, 3, 8, 8).to(dtype)
    drawn = augment(x, rng=torch.Generator().manual_seed(3))
    assert drawn.dtype == dtype
    assert torch.equal(drawn, augment(x, draw=uniform(3, 7, augment.numbers, dtype=torch.float32)))
    full = augment(x.double(), draw=uniform(3, 7, augment.numbers, dtype=torch.float32))
    assert_close(drawn.double(), full, rtol=0.05, atol=0.05)


@every
@given(x=images(), seed=seeds, zero=st.sampled_from((0.0, 0, torch.tensor(0.0), torch.tensor(0.0).double())))
def test_at_no_strength_images_come_back_exactly(
    augment: Augmentation, x: torch.Tensor, seed: int, zero: float | torch.Tensor
) -> None:
    assert torch.equal(augment(x, strength=zero, rng=torch.Generator().manual_seed(seed)), x)
    # Coins of exactly 0 are below no probability of 0.
    draw = (uniform(seed, len(x), augment.numbers) - 0.5).relu()
    assert torch.equal(augment(x, strength=zero, draw=draw), x)


@pytest.mark.parametrize("augment", WITH_ONE_COIN, ids=name_of)
@given(x=images(), seed=seeds, strength=st.floats(0, 1), probability=st.floats(0, 1), as_tensor=st.booleans())
def test_the_coin_is_the_first_number_and_strength_multiplies_the_probability(
    augment: Augmentation, x: torch.Tensor, seed: int, strength: float, probability: float, *, as_tensor: bool
) -> None:
    draw = uniform(seed, len(x), augment.numbers)
    always, sometimes = with_probability(augment, 1.0), with_probability(augment, probability)
    wide = torch.tensor(strength, dtype=torch.float64) if as_tensor else strength
    happened = (draw[:, 0] < probability * strength)[:, None, None, None]
    assert torch.equal(sometimes(x, strength=wide, draw=draw), torch.where(happened, always(x, draw=draw), x))


@every
@given(x=images(), seed=seeds)
def test_samples_are_changed_apart(augment: Augmentation, x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), augment.numbers)
    whole = augment(x, draw=draw)
    for i in range(len(x)):
        assert_close(whole[i : i + 1], augment(x[i : i + 1], draw=draw[i : i + 1]), rtol=1e-14, atol=1e-14)


@every
@given(x=images(), seed=seeds)
def test_inputs_stay_and_layouts_agree(augment: Augmentation, x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), augment.numbers)
    copies = x.clone(), draw.clone()
    result = augment(x, draw=draw)
    assert torch.equal(x, copies[0])
    assert torch.equal(draw, copies[1])
    assert_close(result, augment(x.contiguous(), draw=draw), rtol=1e-14, atol=1e-14)


@every
def test_a_draw_in_half_precision_is_widened(augment: Augmentation) -> None:
    x, draw = normal(0, 5, 3, 8, 8), uniform(1, 5, augment.numbers).bfloat16()
    assert torch.equal(augment(x, draw=draw), augment(x, draw=draw.float()))


@every
def test_the_default_device_is_never_asked(augment: Augmentation) -> None:
    x, draw = normal(0, 5, 3, 8, 8), uniform(1, 5, augment.numbers)
    expected = augment(x, draw=draw)
    with torch.device("meta"):
        assert torch.equal(augment(x, draw=draw), expected)
        assert augment(x).device.type == "cpu"


@every
def test_channels_innermost_stay_innermost(augment: Augmentation) -> None:
    x = normal(0, 5, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    assert augment(x).is_contiguous(memory_format=torch.channels_last)
    assert augment(x.contiguous()).is_contiguous()


@every
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_slopes_of_first_and_second_order(augment: Augmentation, layout: torch.memory_format, seed: int) -> None:
    x = normal(seed, 2, 2, 3, 4).contiguous(memory_format=layout).requires_grad_()
    draw = uniform(seed, 2, augment.numbers)

    def squared(inputs: torch.Tensor) -> torch.Tensor:
        # Augmentations are linear in the images up to a constant; squared, their second derivative is seen.
        return augment(inputs, strength=0.8, draw=draw).square()

    assert torch.autograd.gradcheck(squared, x)
    assert torch.autograd.gradgradcheck(squared, x)


@every
def test_penalties_work_through_an_augmented_critic_and_at_augmented_points(augment: Augmentation) -> None:
    real, fake = normal(0, 3, 2, 4, 4), normal(1, 3, 2, 4, 4)
    draw, mix = uniform(0, 3, augment.numbers), uniform(1, 3, 1, 1, 1)
    network = smooth_network(0)
    names, values = zip(*((n, p.detach().requires_grad_()) for n, p in network.named_parameters()), strict=True)

    def penalties(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))

        def critic(x: torch.Tensor) -> torch.Tensor:
            return torch.func.functional_call(network, state, (x,))

        through = zero_centered_penalty(lambda x: critic(augment(x, draw=draw)), real)
        return through + gradient_penalty(critic, augment(real, draw=draw), augment(fake, draw=draw), mix=mix)

    assert torch.autograd.gradcheck(penalties, values)


@every
def test_compiles_whole_with_a_fresh_draw_and_an_adaptive_strength(augment: Augmentation) -> None:
    torch.compiler.reset()
    x, strength = normal(0, 5, 3, 8, 8), torch.tensor(0.7)
    compiled = torch.compile(augment, backend="aot_eager", fullgraph=True)
    torch.manual_seed(3)
    expected = augment(x, strength=strength)
    torch.manual_seed(3)
    assert_close(compiled(x, strength=strength), expected, rtol=1e-12, atol=1e-12)
    # Another strength is another value of the same graph: nothing was read when it was traced.
    torch.manual_seed(3)
    with torch.compiler.set_stance("fail_on_recompile"):
        assert torch.equal(compiled(x, strength=torch.tensor(0.0)), x)


@every
def test_compiles_whole_with_a_strength_that_is_another_number_each_time(augment: Augmentation) -> None:
    torch.compiler.reset()
    x, draw = normal(0, 5, 3, 8, 8), uniform(1, 5, augment.numbers)
    compiled = torch.compile(augment, backend="aot_eager", fullgraph=True)
    for strength in (0.3, 0.5, 0.9):
        expected = augment(x, strength=strength, draw=draw)
        assert_close(compiled(x, strength=strength, draw=draw), expected, rtol=1e-12, atol=1e-12)


@every
@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda augment, x: augment(x[0]), r"images must have shape \(n, channels, height, width\), got \(3, 4, 5\)"),
        (lambda augment, x: augment(x[:0]), r"images must not be empty, got shape \(0, 3, 4, 5\)"),
        (lambda augment, x: augment(x[:, :, :, :0]), r"images must not be empty"),
        (
            lambda augment, x: augment(x.to(torch.uint8)),
            "images must be a floating-point tensor, got dtype torch.uint8",
        ),
        (lambda augment, x: augment(x, strength=1.5), r"strength must lie in 0\.\.1, got 1\.5"),
        (lambda augment, x: augment(x, strength=-0.1), r"strength must lie in 0\.\.1, got -0\.1"),
        (lambda augment, x: augment(x, strength=float("nan")), "strength must be a finite number"),
        (lambda augment, x: augment(x, strength=torch.ones(2)), r"strength must be a number or a 0-d tensor.*\(2,\)"),
        (lambda augment, x: augment(x, strength=torch.tensor(1)), "strength must be a floating-point tensor"),
        (lambda augment, x: augment(x, draw=torch.rand(2, 99)), r"draw must have shape \(2, \d+\), .*got \(2, 99\)"),
        (lambda augment, x: augment(x, draw=torch.rand(2)), r"draw must have shape \(2, \d+\)"),
        (lambda augment, x: augment(x, draw=torch.zeros(2, augment.numbers).int()), "draw must be a floating-point"),
        (
            lambda augment, x: augment(x, draw=torch.full((2, augment.numbers), 1.01)),
            r"draw must hold numbers from 0 to below 1, got 1\.01\.\.1\.01",
        ),
        (
            lambda augment, x: augment(x, draw=torch.tensor([[-0.01], [0.5]]).expand(2, augment.numbers)),
            r"draw must hold numbers from 0 to below 1, got -0\.01\.\.0\.5",
        ),
        (
            lambda augment, x: augment(x, draw=torch.full((2, augment.numbers), float("nan"))),
            r"draw must hold numbers from 0 to below 1, got nan",
        ),
        (lambda augment, x: augment(x, draw=[0.5]), "draw must be a tensor, got list"),
        (
            lambda augment, x: augment(x, draw=torch.rand(2, augment.numbers), rng=torch.Generator()),
            "draw and rng must not both be given",
        ),
        (
            lambda augment, x: augment(x, draw=torch.rand(2, augment.numbers, device="meta")),
            "draw must be on the device of the samples, cpu, got meta",
        ),
    ],
)
def test_mistakes_are_named(augment: Augmentation, call: object, match: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=match):
        call(augment, normal(0, 2, 3, 4, 5))


@pytest.mark.parametrize("augment", [a for a in ALL if not isinstance(a, Composed)], ids=name_of)
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "1"])
def test_a_probability_is_a_fraction(augment: Augmentation, value: object) -> None:
    with pytest.raises(ValueError, match="probability must"):
        with_probability(augment, value)


PARTS = (Translation(ratio=0.4), Brightness(), HorizontalFlip(), Cutout())


@given(x=images(), seed=seeds, order=st.permutations(PARTS), strength=st.floats(0, 1))
def test_parts_act_in_order_on_their_own_columns(x: torch.Tensor, seed: int, order: list, strength: float) -> None:
    augment = Composed(parts=tuple(order))
    assert augment.numbers == 9
    draw = uniform(seed, len(x), 9)
    expected, start = x, 0
    for part in order:
        expected = part(expected, strength=strength, draw=draw[:, start : start + part.numbers])
        start += part.numbers
    assert torch.equal(augment(x, strength=strength, draw=draw), expected)


@given(x=images(), seed=seeds)
def test_nesting_changes_nothing(x: torch.Tensor, seed: int) -> None:
    draw = uniform(seed, len(x), 9)
    nested = Composed(parts=(PARTS[0], Composed(parts=PARTS[1:3]), PARTS[3]))
    assert nested.numbers == 9
    assert torch.equal(nested(x, draw=draw), Composed(parts=PARTS)(x, draw=draw))


def test_order_matters_and_is_kept() -> None:
    # Moved and then brightened, what came in is no longer zero.
    draw = torch.tensor([[0.0, 0.99, 0.5]]), torch.tensor([[0.0, 1.0]])
    x = torch.ones(1, 1, 4, 4)
    first = Composed(parts=(Translation(ratio=0.25), Brightness()))(x, draw=torch.cat(draw, dim=1))
    second = Composed(parts=(Brightness(), Translation(ratio=0.25)))(x, draw=torch.cat(draw[::-1], dim=1))
    assert first[0, 0, 0].tolist() == [0.5] * 4
    assert second[0, 0, 0].tolist() == [0.0] * 4


def test_one_draw_changes_real_and_fake_alike_and_two_draws_do_not() -> None:
    augment = Composed(parts=(Translation(ratio=0.4), Cutout()))
    x, rng = torch.ones(16, 1, 8, 8), torch.Generator().manual_seed(0)
    draw = torch.rand(16, augment.numbers, generator=rng)
    assert torch.equal(augment(x, draw=draw) == 0, augment(3 * x, draw=draw) == 0)
    assert not torch.equal(augment(x, rng=rng), augment(x, rng=rng))


class Class:
    numbers = 1


@pytest.mark.parametrize(
    "parts",
    [(), [Translation()], (Translation,), (Class,), (Class(),), (Translation(), abs), (3,), None],
)
def test_parts_are_checked(parts: tuple) -> None:
    with pytest.raises(ValueError, match="parts must"):
        Composed(parts=parts)


@given(count=st.integers(1, 200), repeats=st.integers(1, 5))
def test_every_whole_number_is_equally_likely(count: int, repeats: int) -> None:
    even = (torch.arange(count * repeats) + 0.5) / (count * repeats)
    assert whole_numbers(even, count).bincount(minlength=count).tolist() == [repeats] * count


@given(count=st.integers(1, 2**20))
def test_the_largest_number_below_one_gives_the_last(count: int) -> None:
    ends = torch.tensor([0.0, 1 - 2.0**-24, 1.0])
    assert whole_numbers(ends, count).tolist() == [0, count - 1, count - 1]
