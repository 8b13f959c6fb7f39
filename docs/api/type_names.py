"""How the reference writes types: roles of tensors and public aliases by their names."""

import importlib
import inspect
import re
from typing import Annotated, get_origin

import public_names as reference
from sphinx.util.typing import stringify_annotation

from gankit import _core


def alias_names() -> dict[str, str]:
    """Map the long printed form of each role of tensors, and of each public alias of a type, to its name.

    Roles come first: aliases are made of them.
    """
    roles = {name: value for name, value in vars(_core).items() if get_origin(value) is Annotated}
    names = {stringify_annotation(value, "smart"): name for name, value in roles.items()}
    for folder in reference.public_folders():
        for public in reference.public_names(folder):
            thing = public.load()
            if not (inspect.isclass(thing) or inspect.isfunction(thing)):
                printed = stringify_annotation(thing, "smart")
                for role, name in names.items():
                    printed = printed.replace(role, name)
                names[printed] = f"~{public.path}"
    for name, folder in reference.FORMS.items():
        home = reference.assigned_in(name, folder)
        printed = stringify_annotation(getattr(importlib.import_module(home), name), "smart")
        names |= {printed: name, f"~{home}.{name}T": name}  # also the type variable that is bound by it
    return names


ALIAS_NAMES = alias_names()


def shorten(annotation: str) -> str:
    """Write roles and aliases by name, and a tensor with any other note as a tensor."""
    for printed, name in ALIAS_NAMES.items():
        annotation = annotation.replace(printed, name)
    return re.sub(r"~torch\.Annotated\[~torch\.Tensor, '[^']*'\]", "~torch.Tensor", annotation)
