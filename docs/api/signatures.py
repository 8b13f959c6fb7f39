"""How the reference writes signatures: defaults as a user would write them, and protocols without a call."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any


class Written:
    """A default that prints as given."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        """Return the text, which is what a signature prints."""
        return self.text


class _Constants(ast.NodeTransformer):
    """Puts the expressions of constants, such as that of ``_LEAKY``, or their numbers in the places of their names."""

    def __init__(self, expressions: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self.expressions = expressions
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not node.id.isupper():
            return node
        value = self.values.get(node.id)  # of a constant that is imported
        written = self.expressions.get(node.id, repr(value) if isinstance(value, int | float) else node.id)
        return ast.parse(written, mode="eval").body

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        changed = ast.unparse(self.generic_visit(node))
        try:  # a part of a written constant, such as (3, 5)[::-1], is a constant
            value = eval(changed, {"__builtins__": {}})  # noqa: S307
        except NameError:
            return node
        return ast.parse(repr(value), mode="eval").body


def written_defaults(function: Callable[..., Any], constants: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults of a function's arguments as its source writes them.

    Args:
        function: A function, such as an ``__init__``.
        constants: The expressions of its module's constants, which stand in the places of their names.
    """
    definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(definition, ast.FunctionDef)
    arguments = definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    given = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    write = _Constants(constants, function.__globals__)
    return {argument.arg: ast.unparse(write.visit(default)) for argument, default in given if default is not None}


def write_defaults(function: Any, constants: Mapping[str, str]) -> None:
    """Give a function a signature that prints its defaults as they are written, for autodoc to read."""
    signature = inspect.signature(function)
    try:
        texts = written_defaults(function, constants)
    except OSError:  # a method that `dataclass` made has no source, only values
        values = {name: item.default for name, item in signature.parameters.items()}
        texts = {name: value.__name__ for name, value in values.items() if inspect.isfunction(value)}
    function.__signature__ = signature.replace(
        parameters=[
            item.replace(default=Written(texts[name])) if name in texts else item
            for name, item in signature.parameters.items()
        ]
    )


def functions_of(thing: object) -> Iterator[Any]:
    """Yield a function, or the functions that a class of gankit defines itself."""
    if inspect.isfunction(thing):
        yield thing
    for member in vars(thing).values() if inspect.isclass(thing) else ():
        if inspect.isfunction(member := getattr(member, "__func__", member)):
            yield member


def is_protocol(thing: object) -> bool:
    """Whether a class only says what others must have; it cannot be called, although Python gives it a signature."""
    return inspect.isclass(thing) and getattr(thing, "_is_protocol", False)


def explained_at(method: Any, protocols: Iterable[type]) -> str | None:
    """Return the method of a protocol that explains the arguments of a method, such as ``Augmentation.__call__``, or None.

    It has the same name and the same arguments and a section ``Args``, which `method` does not have.
    """
    if not inspect.isfunction(method) or "Args:" in (inspect.getdoc(method) or ""):
        return None
    for protocol in protocols:
        other = vars(protocol).get(method.__name__)
        if other is not None and other is not method and "Args:" in (inspect.getdoc(other) or ""):
            names = [list(inspect.signature(one).parameters) for one in (method, other)]
            if names[0] == names[1]:
                return f"{protocol.__name__}.{method.__name__}"
    return None
