"""One tensor in the one form in which it is saved."""

import torch

Strides = tuple[int, ...]


def plain_tensor(tensor: torch.Tensor, taken: set[int]) -> torch.Tensor:
    """Return the tensor on the CPU, without its graph, in a storage that holds it alone and without gaps.

    The memory format stays, since fused optimizers walk weights and moments side by side as they lie in memory: dense
    tensors keep their strides, others (expanded ones, slices with gaps) become contiguous. A tensor that is already of
    this form is not copied. No two results share a storage, so that tied tensors are saved as equal ones are.

    Args:
        tensor: Any dense tensor.
        taken: Addresses of storages that earlier results use; the result's own is added.
    """
    tensor = tensor.detach().to("cpu").resolve_conj().resolve_neg()
    strides = _canonical_strides(tensor)
    if not _stands_alone(tensor, strides) or tensor.untyped_storage().data_ptr() in taken:
        tensor = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype).copy_(tensor)
    elif tensor.stride() != strides:
        tensor = tensor.as_strided(tensor.shape, strides)  # strides of axes of length one are free
    taken.add(tensor.untyped_storage().data_ptr())
    return tensor


def _stands_alone(tensor: torch.Tensor, strides: Strides) -> bool:
    own_bytes = tensor.numel() * tensor.element_size()
    if own_bytes == 0 or tensor.storage_offset() != 0 or tensor.untyped_storage().nbytes() != own_bytes:
        return False
    axes = zip(tensor.shape, tensor.stride(), strides, strict=True)
    return all(size == 1 or stride == canonical for size, stride, canonical in axes)


def _canonical_strides(tensor: torch.Tensor) -> Strides:
    formats = [torch.contiguous_format]
    formats += {4: [torch.channels_last], 5: [torch.channels_last_3d]}.get(tensor.ndim, [])
    for memory_format in formats:
        if tensor.is_contiguous(memory_format=memory_format):
            return torch.empty(tensor.shape, device="meta", memory_format=memory_format).stride()
    if _is_dense(tensor):
        sizes = zip(tensor.shape, tensor.stride(), strict=True)
        return tuple(stride if size > 1 else tensor.numel() for size, stride in sizes)
    return torch.empty(tensor.shape, device="meta").stride()


def _is_dense(tensor: torch.Tensor) -> bool:
    expected = 1
    for stride, size in sorted((stride, size) for stride, size in zip(tensor.stride(), tensor.shape, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True
