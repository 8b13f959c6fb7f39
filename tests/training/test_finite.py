import math

import pytest
import torch
from hypothesis import given, strategies as st
from torch import distributed, nn

from gankit.training import NonFiniteError
from gankit.training._finite import are_all_finite, found_non_finite, refuse_non_finite

BAD = [math.nan, math.inf, -math.inf]


@given(
    position=st.integers(0, 4),
    value=st.sampled_from([*BAD, 1.0, 3e38]),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16]),
)
def test_any_bad_element_of_any_gradient_is_found(position: int, value: float, dtype: torch.dtype) -> None:
    gradients = [torch.ones(2, dtype=dtype), torch.ones(3, dtype=torch.float32)]
    flat = gradients[0] if position < 2 else gradients[1]
    flat[position if position < 2 else position - 2] = value
    before = [gradient.clone() for gradient in gradients]
    found = found_non_finite(gradients)
    assert found.item() == float(not math.isfinite(value))
    assert all(torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) for a, b in zip(gradients, before, strict=True))


def test_sparse_gradients_are_looked_into() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    (table(torch.tensor([1, 3])).sum() * math.inf).backward()
    assert table.weight.grad is not None
    assert found_non_finite([table.weight.grad]).item() == 1.0


@pytest.mark.parametrize("value", BAD)
def test_a_bad_term_is_named_with_its_value(value: float) -> None:
    terms = {"loss": torch.tensor(1.0), "penalty": torch.tensor(value)}
    with pytest.raises(NonFiniteError, match=f"'penalty' is {value}; no weight was changed") as caught:
        refuse_non_finite(terms, [], {})
    assert "'loss'" not in str(caught.value)
    assert isinstance(caught.value, FloatingPointError)


def test_a_bad_gradient_is_named() -> None:
    network = nn.Linear(2, 3)
    network.weight.grad, network.bias.grad = torch.ones(3, 2), torch.full((3,), math.nan)
    parameters = list(network.parameters())
    with pytest.raises(NonFiniteError, match=r"\['loss'\] are: 'head.bias' of shape \(3,\);"):
        refuse_non_finite({"loss": torch.tensor(1.0)}, parameters, {id(network.bias): "head.bias"})
    with pytest.raises(NonFiniteError, match=r"'number 1' of shape \(3,\)"):
        refuse_non_finite({"loss": torch.tensor(1.0)}, parameters, {})


@pytest.mark.parametrize(
    ("count", "listed", "end"), [(5, 5, "(1,); no"), (6, 5, "(1,) and 1 more; no"), (7, 5, " and 2 more; no")]
)
def test_many_bad_gradients_are_counted(count: int, listed: int, end: str) -> None:
    parameters = [nn.Parameter(torch.ones(1)) for _ in range(count)]
    for parameter in parameters:
        parameter.grad = torch.full((1,), math.inf)
    with pytest.raises(NonFiniteError) as caught:
        refuse_non_finite({"loss": torch.tensor(1.0)}, parameters, {})
    assert str(caught.value).count("of shape") == listed
    assert end in str(caught.value)


@pytest.mark.parametrize("own", [1.0, math.nan])
@pytest.mark.parametrize("other", [False, True])
def test_all_ranks_refuse_where_one_has_to(monkeypatch: pytest.MonkeyPatch, own: float, other: bool) -> None:
    sent: list[float] = []

    def all_reduce(flag: torch.Tensor, operation: object) -> None:
        assert operation == distributed.ReduceOp.MAX
        assert flag.dtype == torch.float32
        sent.append(flag.item())
        flag.fill_(max(flag.item(), float(other)))

    monkeypatch.setattr("gankit.training._ranks.world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    terms = {"loss": torch.tensor(own)}
    if math.isnan(own):
        with pytest.raises(NonFiniteError, match="'loss' is nan; no weight"):
            refuse_non_finite(terms, [], {})
    elif other:
        with pytest.raises(NonFiniteError, match="since a cost or a gradient of another rank is not finite; no weight"):
            refuse_non_finite(terms, [], {})
    else:
        refuse_non_finite(terms, [], {})
    assert sent == [float(math.isnan(own))]


def test_finite_values_and_missing_gradients_pass() -> None:
    refuse_non_finite({"loss": torch.tensor(3e38)}, [nn.Parameter(torch.ones(2))], {})


def test_one_bad_number_is_enough_and_parameters_without_gradient_are_passed_over() -> None:
    network = nn.Linear(2, 3)
    network.bias.grad = torch.tensor([1.0, math.nan, 1.0])
    with pytest.raises(NonFiniteError, match=r"are: 'number 1' of shape \(3,\); no weight"):
        refuse_non_finite({"loss": torch.tensor(1.0)}, list(network.parameters()), {})


def test_the_flag_lies_where_the_first_gradient_does() -> None:
    other = torch.zeros(3, device="meta")
    assert found_non_finite([other]).device == other.device
    assert found_non_finite([other, torch.zeros(2)]).device == other.device


def test_a_bad_number_in_a_sparse_gradient_is_named() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    (table(torch.tensor([1, 3])).sum() * math.nan).backward()
    with pytest.raises(NonFiniteError, match=r"'number 0' of shape \(5, 2\); no weight"):
        refuse_non_finite({"loss": torch.tensor(1.0)}, list(table.parameters()), {})


@pytest.mark.parametrize(
    "dtypes", [(torch.float32, torch.float32), (torch.float64, torch.float32), (torch.float16, torch.float16)]
)
def test_after_a_bad_call_a_good_one_passes_and_no_cost_changes(dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    cost, parameter = torch.full((), 3.0, dtype=dtypes[0]), nn.Parameter(torch.ones(2, dtype=dtypes[1]))
    parameter.grad = torch.tensor([1.0, math.inf], dtype=dtypes[1])
    for _ in range(2):
        with pytest.raises(NonFiniteError, match="a gradient is not finite"):
            refuse_non_finite({"loss": cost}, [parameter], {})
        with pytest.raises(NonFiniteError, match="'loss' is nan"):
            refuse_non_finite({"loss": cost * math.nan}, [parameter], {})
    parameter.grad = torch.ones(2, dtype=dtypes[1])
    refuse_non_finite({"loss": cost}, [parameter], {})
    assert cost.item() == 3.0


def test_a_cost_with_a_graph_keeps_it() -> None:
    parameter = nn.Parameter(torch.ones(2))
    cost = parameter.exp().sum().exp()
    (parameter.grad,) = torch.autograd.grad(cost, parameter, retain_graph=True)
    refuse_non_finite({"loss": cost}, [parameter], {})
    torch.testing.assert_close(torch.autograd.grad(cost, parameter)[0], parameter.grad)


@given(
    position=st.integers(0, 5),
    value=st.sampled_from([*BAD, 1.0, 3e38]),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]),
)
def test_one_pass_over_costs_and_gradients_finds_any_bad_element(
    position: int, value: float, dtype: torch.dtype
) -> None:
    numbers = [torch.ones((), dtype=torch.float32), torch.ones(2, dtype=dtype), torch.ones(3, dtype=torch.float64).t()]
    place = [(0, ()), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)][position]
    numbers[place[0]][place[1]] = value
    before = [number.clone() for number in numbers]
    finite = all(bool(number.isfinite().all()) for number in numbers)
    assert are_all_finite({"loss": numbers[0]}, numbers[1:]) is finite
    assert all(torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) for a, b in zip(numbers, before, strict=True))


def test_kinds_that_one_pass_cannot_look_into_are_left_to_the_closer_look() -> None:
    cost = {"loss": torch.ones(())}
    assert not are_all_finite(cost, [torch.eye(2).to_sparse()])
    assert not are_all_finite(cost, [torch.ones(2), torch.ones(2, device="meta")])
    assert not are_all_finite(cost, [torch.ones(2, dtype=torch.complex64)])
    assert not are_all_finite({"loss": torch.ones((), device="meta")}, [torch.ones(2)])


def test_gradients_with_a_graph_stay_what_they_are() -> None:
    weight = torch.ones(2, requires_grad=True)
    gradient = weight.square()
    assert are_all_finite({"loss": gradient.sum()}, [gradient])
    gradient.sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2.0, 2.0]
