"""Whether a tensor is one rank's piece of a larger one."""

import sys

import torch


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether the tensor is a ``DTensor``, as under FSDP2.

    The module of that type is looked up, not imported: importing it costs seconds and installs warning filters, and a
    tensor of the type cannot exist before somebody else did.
    """
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)
