"""Labels to embed."""

import torch
from hypothesis import strategies as st
from support.strategies import batch_sizes, seeds


@st.composite
def labeled(draw: st.DrawFn) -> tuple[list[int], torch.Tensor]:
    """Numbers of classes, and ids ``(n, attributes)`` below them; the last sample holds the highest ids."""
    num_classes: list[int] = draw(st.lists(st.sampled_from((1, 2, 3, 5, 7, 11)), min_size=1, max_size=3))
    rng = torch.Generator().manual_seed(draw(seeds))
    columns = [torch.randint(count, (draw(batch_sizes),), generator=rng) for count in num_classes[:1]]
    samples = len(columns[0])
    columns += [torch.randint(count, (samples,), generator=rng) for count in num_classes[1:]]
    labels = torch.stack(columns, dim=1)
    labels[-1] = torch.tensor(num_classes) - 1
    return num_classes, labels
