"""Telling a shard from a plain tensor without paying for the import."""

import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
import torch

from gankit.training._sharded import is_sharded


def test_a_plain_tensor_is_no_shard_and_asking_imports_nothing() -> None:
    program = (
        "import sys, torch; from gankit.training._sharded import is_sharded; "
        "assert not is_sharded(torch.zeros(2)); assert 'torch.distributed.tensor' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


class _Shard(torch.Tensor):
    """Stands in for the type, whose module takes seconds to import."""


def test_only_the_type_of_that_module_is_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = torch.zeros(2).as_subclass(_Shard)
    monkeypatch.delitem(sys.modules, "torch.distributed.tensor", raising=False)
    assert not is_sharded(shard)
    monkeypatch.setitem(sys.modules, "torch.distributed.tensor", cast("ModuleType", SimpleNamespace(DTensor=_Shard)))
    assert is_sharded(shard)
    assert not is_sharded(torch.zeros(2))


@pytest.mark.slow
def test_a_distributed_tensor_is_a_shard(tmp_path: object) -> None:
    from torch import distributed
    from torch.distributed.tensor import DTensor, Replicate, init_device_mesh

    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        assert is_sharded(DTensor.from_local(torch.zeros(2), mesh, [Replicate()]))
    finally:
        distributed.destroy_process_group()
