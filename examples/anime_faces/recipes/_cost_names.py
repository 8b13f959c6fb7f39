"""Names of the class losses of attributes, as recipes that predict classes share them."""

from collections.abc import Iterable

from examples.anime_faces.data import Attribute


def cost_names(attributes: Iterable[Attribute]) -> list[str]:
    """Return a name for the class loss of each attribute: that of the attribute, unless another cost or a group has it.

    Example:
        >>> cost_names([Attribute("hair", ("red",)), Attribute("score", ("low",)), Attribute("left/right", ("left",))])
        ['hair', 'class score', 'left-right']
    """
    names: list[str] = []
    for attribute in attributes:
        name = attribute.name.replace("/", "-")
        while name == "score" or name in names:
            name = f"class {name}"
        names.append(name)
    return names
