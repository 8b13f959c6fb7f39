"""The strip: a row for each picture, with the original first and then one change a column."""

import numpy as np
import torch

from examples.anime_faces.run import Block, Sheet, as_network_input, draw_sheet
from examples.anime_faces.systems import Hardware
from examples.anime_faces.transfer._changer import Changer
from examples.anime_faces.transfer._labels import UNKNOWN, complete
from examples.anime_faces.transfer._pictures import Given

FLIPPED = "flipped"


def draw_strip(changer: Changer, given: Given, *, scale: int = 1) -> Sheet:
    """Change each picture by each entry of the vector, and lay them out.

    A class that excludes no other one is inverted: a picture with glasses loses them, one without gets them. Of classes that
    exclude each other, such as hair colors, each one is set in turn and the others are cleared. Everything else keeps the
    picture's own value, which the labels say, or the critic where they do not.

    Args:
        changer: What changes them.
        given: The pictures.
        scale: By which whole number every picture is enlarged.

    Raises:
        ValueError: The labels of a picture leave something open, and there is no critic.
    """
    vector = changer.vector
    images = as_network_input(torch.from_numpy(np.array(given.images)), Hardware())
    source = _source(changer, given, images)
    wanted = torch.cat([vector.targets(row) for row in source])
    count = len(vector.entries)
    changed = changer.drawer.draw(images.repeat_interleave(count, dim=0), wanted)
    changed = changed.permute(0, 2, 3, 1).unflatten(0, (len(images), count)).numpy()
    alone = {group[0] for group in vector.groups if len(group) == 1}
    headings = [f"{name} {FLIPPED}" if place in alone else name for place, name in enumerate(vector.names)]
    blocks = [Block("original", given.images[:, None])]
    blocks += [Block(heading, changed[:, place : place + 1]) for place, heading in enumerate(headings)]
    labels = [
        ", ".join([name, *(word for word, on in zip(vector.names, row.tolist(), strict=True) if on)])
        for name, row in zip(given.names, source, strict=True)
    ]
    return draw_sheet(labels, blocks, scale=scale)


def _source(changer: Changer, given: Given, images: torch.Tensor) -> torch.Tensor:
    if not bool((given.numbers == UNKNOWN).any()):
        return given.numbers
    if changer.critic is not None:
        return complete(given.numbers, images, changer.vector, changer.critic)
    row, place = (int(one) for one in (given.numbers == UNKNOWN).nonzero()[0])
    raise ValueError(
        f"nothing says whether {given.names[row]} has {changer.vector.names[place]}: give a table of labels by --labels, or "
        "the critic beside the weights, *-D.ckpt, by --critic"
    )
