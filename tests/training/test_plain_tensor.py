import pytest
import torch
from hypothesis import given, strategies as st

from gankit.training._plain_tensor import plain_tensor

CHANNELS_LAST = torch.arange(60.0).reshape(2, 3, 5, 2).contiguous(memory_format=torch.channels_last)
VOLUME = torch.arange(120.0).reshape(2, 3, 5, 2, 2).contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(
    ("tensor", "strides"),
    [
        (torch.ones(7, 3), (3, 1)),
        (torch.ones(7, 3).t(), (1, 3)),
        (CHANNELS_LAST, (30, 1, 6, 3)),
        (CHANNELS_LAST[1:], (30, 1, 6, 3)),
        (VOLUME, (60, 1, 12, 6, 3)),
        (torch.ones(2, 3, 1, 5).contiguous(memory_format=torch.channels_last), (15, 1, 15, 3)),
        (torch.ones(2, 3, 1, 5, 2).contiguous(memory_format=torch.channels_last_3d), (30, 1, 30, 6, 3)),
        (torch.ones(2, 3, 5).permute(1, 2, 0), (5, 1, 15)),
        (torch.ones(3, 5, 2, 1).permute(2, 3, 0, 1), (1, 30, 10, 2)),
    ],
)
def test_dense_tensors_keep_their_memory_format(tensor: torch.Tensor, strides: tuple[int, ...]) -> None:
    plain = plain_tensor(tensor, set())
    assert plain.stride() == strides
    assert torch.equal(plain, tensor)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(3).expand(5, 3),
        torch.arange(6.0).as_strided((2, 3), (0, 1)),  # of a storage that is as large as the tensor
        torch.arange(35.0).reshape(5, 7)[:, 2:5],
        torch.arange(35.0).reshape(5, 7)[::2].t(),
        torch.arange(7.0).as_strided((3, 3), (2, 1)),
        torch.zeros(0, 3).t(),
    ],
)
def test_others_become_contiguous(tensor: torch.Tensor) -> None:
    plain = plain_tensor(tensor, set())
    assert plain.stride() == torch.empty(tensor.shape).stride()
    assert plain.untyped_storage().nbytes() == tensor.numel() * 4
    assert torch.equal(plain, tensor)


def test_a_part_of_a_storage_is_copied_and_a_whole_one_is_not() -> None:
    large = torch.arange(1000.0)
    part, whole = plain_tensor(large[3:5], set()), plain_tensor(large.view(10, 100).t(), set())
    assert part.untyped_storage().nbytes() == 8
    assert part.tolist() == [3.0, 4.0]
    assert whole.data_ptr() == large.data_ptr()
    assert whole.stride() == (1, 100)
    byte = torch.tensor([7], dtype=torch.uint8)
    assert plain_tensor(byte, set()).data_ptr() == byte.data_ptr()


def test_no_two_results_share_a_storage() -> None:
    taken: set[int] = set()
    tensor = torch.arange(6.0)
    results = [plain_tensor(view, taken) for view in (tensor, tensor, tensor.view(2, 3), tensor.view(2, 3).t())]
    assert len({result.data_ptr() for result in results}) == 4
    assert results[0].data_ptr() == tensor.data_ptr()


@given(way=st.permutations(range(4)), sizes=st.permutations([1, 1, 2, 3]))
def test_strides_of_axes_of_length_one_do_not_count(way: list[int], sizes: list[int]) -> None:
    tensor = torch.arange(6.0).reshape(sizes).permute(way)
    odd = tensor.as_strided(
        tensor.shape, [s if n > 1 else 31 for n, s in zip(tensor.shape, tensor.stride(), strict=True)]
    )
    plain, other = plain_tensor(tensor, set()), plain_tensor(odd, set())
    assert plain.stride() == other.stride()
    assert torch.equal(plain, tensor)
    assert plain.data_ptr() == tensor.data_ptr() == other.data_ptr()
    assert plain_tensor(plain, set()).stride() == plain.stride()


def test_conjugates_and_negatives_are_resolved() -> None:
    numbers = torch.tensor([1 + 2j, 3 - 1j])
    for lazy in (numbers.conj(), numbers.conj().imag):
        plain = plain_tensor(lazy, set())
        assert not plain.is_conj()
        assert not plain.is_neg()
        assert torch.equal(plain, lazy)


def test_nothing_of_the_graph_stays_and_the_tensor_is_not_changed() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    weight.note = "kept"  # pyright: ignore[reportAttributeAccessIssue]
    plain = plain_tensor(weight, set())
    assert type(plain) is torch.Tensor
    assert not plain.requires_grad
    assert not hasattr(plain, "note")
    assert weight.requires_grad
    computed = plain_tensor(weight * 2, set())
    assert computed.grad_fn is None


@pytest.mark.cuda
def test_tensors_come_to_the_cpu() -> None:
    assert plain_tensor(CHANNELS_LAST.cuda(), set()).device.type == "cpu"
