"""Mutants of a source file: where they differ from it, how they read, and their compiled code."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType

from tests.mutants.operators import OPERATORS
from tests.mutants.places import ROOT

# Too short to be read alone: the text of a mutant shows the expression around them.
_SHORT = (ast.Constant, ast.Name, ast.Attribute, ast.Starred)
_NO_EXPRESSION = (ast.keyword, ast.Slice, ast.comprehension, ast.withitem)


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One mutant of one file; two are the same fault where file, function, operator and both texts agree."""

    file: str
    function: str
    operator: str
    before: str
    after: str
    lines: range | None  # of the statement; None where it runs on import or on definition
    around: range  # the lines of the function
    before_it: int = 0  # mutants of the file that read the same, and come before it
    code: CodeType = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """How the list of survivors identifies it; line numbers change too often."""
        return self.file, self.function, self.operator, self.before, self.after

    def __str__(self) -> str:
        """One line for people."""
        where = f"{self.file} {self.function}".strip()
        return f"{where} [{self.operator}] {self.before}  ->  {self.after}"


def mutations(path: Path) -> list[Mutation]:
    """Every mutant of a file, except those that compile to the same code as the file or an earlier mutant."""
    tree = ast.parse(path.read_text())
    seen = {_meaning(compile(tree, str(path), "exec"))}
    found, alike = [], Counter[tuple[str, ...]]()
    for site, operator, before, after in _changes(tree):
        code = compile(tree, str(path), "exec")
        if _meaning(code) not in seen:
            seen.add(_meaning(code))
            made = Mutation(
                file=str(path.relative_to(ROOT)),
                function=site.function,
                operator=operator,
                before=before,
                after=after,
                lines=site.lines(),
                around=site.around(),
                code=code,
            )
            found.append(replace(made, before_it=alike[made.key]))
            alike[made.key] += 1
    return found


def keys_of(path: Path) -> set[tuple[str, ...]]:
    """How the list of survivors identifies the mutants of a file, without their code."""
    file, tree = str(path.relative_to(ROOT)), ast.parse(path.read_text())
    return {(file, site.function, operator, before, after) for site, operator, before, after in _changes(tree)}


def _changes(tree: ast.Module) -> Iterator[tuple["_Site", str, str, str]]:
    """Yield where the tree is changed, by which operator, and both texts; it is as yielded until the next."""
    for site in _sites(tree, (), ""):
        for operator, replacements in OPERATORS.items():
            for replacement in replacements(site.node):
                frame = site.frame()
                before = _text(site.node, frame)
                with site.replaced(replacement):
                    yield site, operator, before, _text(replacement, frame)


@dataclass(frozen=True)
class _Site:
    node: ast.AST
    above: tuple[ast.AST, ...]  # from the module down to the parent
    function: str

    @contextmanager
    def replaced(self, replacement: ast.AST) -> Iterator[None]:
        """The tree with another node here, until the context ends."""
        ast.copy_location(replacement, self.node)
        ast.fix_missing_locations(replacement)
        _put(self.above[-1], self.node, replacement)
        try:
            yield
        finally:
            _put(self.above[-1], replacement, self.node)

    def frame(self) -> ast.AST | None:
        """The node around this one that has to be shown with it; None if this one can be read alone."""
        parent = next(node for node in reversed(self.above) if not isinstance(node, _NO_EXPRESSION))
        negative_number = isinstance(self.node, ast.UnaryOp) and isinstance(self.node.operand, ast.Constant)
        raises_in_branch = isinstance(self.node, ast.Raise) and isinstance(parent, ast.If)
        return parent if isinstance(self.node, _SHORT) or negative_number or raises_in_branch else None

    def around(self) -> range:
        """The lines of the innermost function; none outside of functions."""
        functions = [node for node in self.above if isinstance(node, ast.FunctionDef)]
        return range(functions[-1].lineno, (functions[-1].end_lineno or 0) + 1) if functions else range(0)

    def lines(self) -> range | None:
        """The lines of the statement, without those of statements in it; None outside the body of a function."""
        within = [node for node in (*self.above, self.node) if isinstance(node, ast.stmt)]
        definitions = [node for node in within if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        if not definitions or isinstance(definitions[-1], ast.ClassDef) or within[-1] is definitions[-1]:
            return None
        last = within[-1].end_lineno or within[-1].lineno
        body = getattr(within[-1], "body", None)
        return range(within[-1].lineno, (body[0].lineno if body else last + 1))


def _sites(node: ast.AST, above: tuple[ast.AST, ...], function: str) -> Iterator[_Site]:
    """Every node that a mutant may change: no annotations, decorators, assertions or words of messages."""
    if _is_for_type_checkers(node):
        return
    if above:
        yield _Site(node, above, function)
    if _is_left_alone(node):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _sites(child, (*above, node), function)


def _is_for_type_checkers(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "TypeVar"


def _is_left_alone(node: ast.AST) -> bool:
    """Words of messages and assertions; `strict` of zip is one."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "warnings.warn"
    if isinstance(node, ast.keyword):
        return node.arg == "strict"
    return isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr)


def _put(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for name, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, name, new)
        elif isinstance(value, list):
            value[:] = [new if element is old else element for element in value]


def _text(node: ast.AST, frame: ast.AST | None) -> str:
    """The smallest piece of source that shows a node, on one line."""
    if isinstance(frame, ast.arguments):
        return _default(frame, node)
    if isinstance(frame, ast.If) and isinstance(node, ast.stmt):
        return f"{_header(frame)} {_header(node).split('(')[0]}"
    return _header(frame or node)


def _header(node: ast.AST) -> str:
    text = ast.unparse(node)
    first = text.split("\n", 1)[0] if isinstance(node, ast.stmt) else text
    return re.sub(r"f'[^']*'|f\"[^\"]*\"", "f'...'", first)


def _default(arguments: ast.arguments, value: ast.AST) -> str:
    named = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(named), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    name = next(argument.arg for argument, default in pairs if default is value)
    return f"{name}={ast.unparse(value)}"


def _meaning(code: CodeType) -> tuple[object, ...]:
    """What a code object does, independent of its place in the file."""
    constants = tuple(_meaning(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts)
    return code.co_code, code.co_exceptiontable, constants, code.co_names, code.co_varnames, code.co_freevars
