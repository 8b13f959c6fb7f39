import pytest
import torch

from gankit.training._terms import check_terms, detached, total


def test_terms_come_back_as_a_dict_in_their_order() -> None:
    terms = {"b": torch.tensor(1.0), "a": torch.tensor(2.0)}
    assert list(check_terms(terms)) == ["b", "a"]


def test_total_is_the_sum() -> None:
    terms = {str(number): torch.tensor(float(number), dtype=torch.float64) for number in (2, 3, 5)}
    assert total(terms).item() == 10.0


def test_detached_terms_keep_no_graph() -> None:
    weight = torch.tensor(2.0, requires_grad=True)
    term = detached({"loss": weight * 3})["loss"]
    assert term.item() == 6.0
    assert term.grad_fn is None
    assert not term.requires_grad


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (torch.tensor(1.0), "must return a mapping of names to 0-d tensors, got Tensor"),
        ({}, "at least one named term"),
        ({1: torch.tensor(1.0)}, "named by strings, got 1"),
        ({"loss": 1.0}, "term 'loss' must be a 0-d tensor, got float"),
        ({"loss": torch.ones(1)}, r"term 'loss' must be a 0-d tensor, got shape \(1,\)"),
        ({"loss": torch.tensor(1)}, "term 'loss' must be a floating-point tensor, got dtype torch.int64"),
    ],
)
def test_other_things_are_refused(terms: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_terms(terms)
