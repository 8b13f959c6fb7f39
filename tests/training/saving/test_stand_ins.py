"""Stand-ins: what may be put into what. What a whole pickle may build is tested with the instructions."""

from typing import Any

import pytest
import torch

from gankit.training._saving._plain import LONGEST_TUPLE, MOST_LEVELS
from gankit.training._saving._stand_ins import (
    ITEM_SIZES,
    StandIn,
    StandInError,
    built,
    closed_tuple,
    fill,
    is_plain,
    stored,
)


def _storage_of(*items: Any) -> StandIn:
    return closed_tuple(items)


FLOAT = StandIn("global", is_plain=False, name="torch.FloatStorage")


def test_containers_know_how_deep_they_are() -> None:
    inner, outer = StandIn("list", levels=1), StandIn("dict", levels=1)
    fill(inner, "list", [1, "-", None, 0.5, True, closed_tuple(())])
    assert inner.levels == 2
    fill(outer, "dict", ["a", inner, 3, 4])
    assert outer.levels == 3
    assert closed_tuple([outer, 1]).levels == 4
    with pytest.raises(StandInError, match=f"nested more than {MOST_LEVELS} levels deep"):
        fill(StandIn("list", levels=1), "list", [StandIn("list", levels=MOST_LEVELS + 2)])


def test_a_tuple_keeps_what_a_tensor_needs_and_nothing_else() -> None:
    assert closed_tuple([1, 2]).items == (1, 2)
    assert closed_tuple(()).items == ()
    assert closed_tuple([True]).items is None
    assert closed_tuple(["a", 1]).items is None
    assert closed_tuple([1] * 64).items == (1,) * 64
    assert closed_tuple([1] * 65).items is None
    assert closed_tuple([FLOAT]).items == (FLOAT,)
    assert not closed_tuple([FLOAT]).is_plain
    with pytest.raises(StandInError, match=f"a tuple has {LONGEST_TUPLE + 1} items"):
        closed_tuple([None] * (LONGEST_TUPLE + 1))
    with pytest.raises(StandInError, match="a tensor is not built"):
        closed_tuple([closed_tuple([FLOAT])])


def test_only_plain_things_may_be_in_a_state() -> None:
    assert all(map(is_plain, (1, "a", None, 0.5, False, closed_tuple(()))))
    assert not any(map(is_plain, (FLOAT, b"bytes", 1j, {1})))
    with pytest.raises(StandInError, match="a dict holds a part of a tensor"):
        fill(StandIn("dict", levels=1), "dict", ["a", FLOAT])


def test_elements_have_the_length_that_torch_gives_them() -> None:
    known = {name: dtype.itemsize for dtype, name in torch.storage._dtype_to_storage_type_map().items()}
    assert {name: known[name] for name in ITEM_SIZES} == ITEM_SIZES


def test_a_storage_is_that_of_the_file() -> None:
    key, storage = stored(_storage_of("storage", FLOAT, "0", "cpu", 3), {"0": 12})
    assert (key, storage.items, storage.name) == ("0", (12, 4), "torch.FloatStorage")
    for wrong in (
        ("storage", FLOAT, "1", "cpu", 3),
        ("storage", FLOAT, "0", "cpu", 4),
        ("storage", FLOAT, "0", "cpu", 3.0),
        ("storage", FLOAT, 0, "cpu", 3),
        ("storage", FLOAT, "0", "cuda", 3),
        ("module", FLOAT, "0", "cpu", 3),
        ("storage", "0", "0", "cpu", 3),
        ("storage", FLOAT, "0", "cpu"),
    ):
        with pytest.raises(StandInError):
            stored(_storage_of(*wrong), {"0": 12})


def test_only_tensors_and_the_dict_in_them_are_built() -> None:
    hooks, length = built(StandIn("global", name="collections.OrderedDict"), closed_tuple(()))
    assert (hooks.kind, hooks.is_plain, length) == ("hooks", False, 0)
    _, storage = stored(_storage_of("storage", FLOAT, "0", "cpu", 6), {"0": 24})
    arguments = [storage, 0, closed_tuple([2, 3]), closed_tuple([3, 1]), False, hooks]
    rebuild = StandIn("global", name="torch._utils._rebuild_tensor_v2")
    tensor, length = built(rebuild, closed_tuple(arguments))
    assert (tensor.kind, tensor.is_plain, length) == ("tensor", True, 24)
    for axes, strides in ((None, 1), (2, None)):
        shaped = [closed_tuple(["a"] if one is None else [one]) for one in (axes, strides)]
        with pytest.raises(StandInError, match="no shape and strides of whole numbers"):
            built(rebuild, closed_tuple([*arguments[:2], *shaped, *arguments[4:]]))
    no_tuple = StandIn("hooks", is_plain=False, items=("storage", FLOAT, "0", "cpu", 6))
    with pytest.raises(StandInError, match="is no storage of the CPU"):
        stored(no_tuple, {"0": 24})
    untyped = StandIn("global", name="torch._utils._rebuild_tensor_v3")
    for function, given in ((untyped, arguments), (rebuild, arguments[:-1]), (hooks, arguments), ("-", arguments)):
        with pytest.raises(StandInError):
            built(function, closed_tuple(given))


def test_a_tuple_with_a_part_of_a_tensor_is_no_longer_than_those_of_torch() -> None:
    assert closed_tuple([FLOAT, *["12"] * 6]).items == (FLOAT, *["12"] * 6)
    with pytest.raises(StandInError, match="a tensor is not built as"):
        closed_tuple([FLOAT, *["12"] * 7])
