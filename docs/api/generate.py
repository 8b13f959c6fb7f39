"""Writes the sources of the API reference: a page for each folder and for each public name, from the code itself."""

import ast
import importlib
import inspect
import shutil
from pathlib import Path

from public_names import FORMS, PACKAGE, PublicName, assigned_in, public_folders, public_names

HERE = Path(__file__).resolve().parent
GENERATED = HERE / "generated"


def title(text: str, underline: str = "=") -> str:
    """Return a reStructuredText heading."""
    return f"{text}\n{underline * len(text)}\n"


def hidden_toctree(entries: list[str]) -> str:
    """Add pages to the reference without showing a second list of them."""
    return ".. toctree::\n   :hidden:\n\n" + "".join(f"   {entry}\n" for entry in entries)


def summary_table(entries: list[str]) -> str:
    """Return a table of names beside the first sentences of their docstrings."""
    return ".. autosummary::\n   :nosignatures:\n\n" + "".join(f"   {entry}\n" for entry in entries)


def documented_assignments(home: str) -> dict[str, tuple[str, str]]:
    """Read a module's assignments: each target's expression, and the string that follows it as documentation."""
    source = inspect.getsource(importlib.import_module(home))
    body = ast.parse(source).body
    found = {}
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        else:
            continue
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = inspect.cleandoc(str(following.value.value))
        if isinstance(target, ast.Name) and statement.value is not None:
            found[target.id] = (ast.unparse(statement.value), text)
    return found


def alias_entry(name: str, expression: str, text: str) -> str:
    """Describe a type alias. Autodoc cannot do this: an alias has no docstring."""
    indented = "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())
    return f".. py:type:: {name}\n   :canonical: {expression}\n\n{indented}\n"


def name_page(public: PublicName) -> str:
    """Return the page of one public name."""
    head = title(public.name) + f"\n.. py:currentmodule:: {public.folder}\n\n"
    thing = public.load()
    if inspect.isclass(thing):
        return head + f".. autoclass:: {public.path}\n"
    if inspect.isfunction(thing):
        return head + f".. autofunction:: {public.path}\n"
    expression, text = documented_assignments(public.home)[public.name]
    if not text:
        raise ValueError(f"{public.path} is a public alias, so a string below its assignment must describe it")
    return head + alias_entry(public.name, expression, text)


GUIDES = {
    "losses": ("Choose an objective", "losses.html"),
    "constraints": ("Penalties and clipping", "penalties.html"),
    "schedules": ("Schedules", "schedules.html"),
    "latents": ("Latents and augmentation", "latents_and_augmentation.html#latents"),
    "augment": ("Latents and augmentation", "latents_and_augmentation.html#augmentation"),
    "blocks": ("Blocks and orders", "blocks.html"),
    "embedders": ("Conditions", "conditions.html"),
    "networks": ("Networks", "networks.html"),
    "training": ("Training", "training.html"),
}
"""The guide that says when to use which name of a folder."""


def folder_page(folder: str, names: list[PublicName]) -> str:
    """Return a folder's page: its docstring, then its names with their summaries."""
    path = f"gankit.{folder}"
    documented = [name for name in names if inspect.isclass(name.load()) or inspect.isfunction(name.load())]
    aliases = [name for name in names if name not in documented]
    page = title(path) + f"\n.. automodule:: {path}\n   :no-members:\n\n"
    text, address = GUIDES[folder]
    page += f"When to use which: `{text} <../{address}>`__.\n\n"
    page += summary_table([name.name for name in documented])
    if aliases:
        page += "\nTypes: " + ", ".join(f":py:type:`~{name.path}`" for name in aliases) + ".\n"
    return page + "\n" + hidden_toctree([name.path for name in names])


def split_note(expression: str, text: str) -> tuple[str, str]:
    """Split ``Annotated[type, "note"]`` into the type and a text; the note is used if `text` is empty."""
    node = ast.parse(expression, mode="eval").body
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and ast.unparse(node.value) == "Annotated":
        base, note = node.slice.elts
        return ast.unparse(base), text or f"{ast.literal_eval(note)}."
    return expression, text


def roles_page() -> str:
    """Return the page of the names that signatures use for tensors."""
    page = title("Roles of tensors") + (
        "\nSignatures name the role of a tensor. All of these are plain :py:class:`torch.Tensor`; "
        "the name only documents what is expected.\n\n"
    )
    for name, (expression, text) in documented_assignments(assigned_in("Scores", "_core")).items():
        page += alias_entry(name, *split_note(expression, text))
    page += "Some arguments may also contain several tensors.\n\n"
    for name, folder in FORMS.items():
        page += alias_entry(name, *documented_assignments(assigned_in(name, folder))[name])
    return page


def generate(target: Path = GENERATED) -> list[PublicName]:
    """Write all source pages again and return the public names."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    everything = []
    for folder in public_folders(PACKAGE):
        names = list(public_names(folder))
        everything += names
        (target / f"gankit.{folder}.rst").write_text(folder_page(folder, names), encoding="utf-8")
        for name in names:
            (target / f"{name.path}.rst").write_text(name_page(name), encoding="utf-8")
    (target / "roles.rst").write_text(roles_page(), encoding="utf-8")
    folders = [f"gankit.{folder}" for folder in public_folders(PACKAGE)]
    introduction = (HERE / "introduction.rst").read_text(encoding="utf-8")
    index = introduction + "\n" + summary_table(folders) + "\n" + hidden_toctree([*folders, "roles"])
    (target / "index.rst").write_text(index, encoding="utf-8")
    return everything


if __name__ == "__main__":
    print(f"{len(generate())} public names")
