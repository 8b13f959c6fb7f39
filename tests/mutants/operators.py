"""The small faults that a mutant has: each operator takes one node of a syntax tree and gives nodes to put in its place."""

import ast
from collections.abc import Callable, Iterator

Operator = Callable[[ast.AST], Iterator[ast.AST]]

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
# Names that are easily taken for each other, as methods, functions and attributes.
_FELLOWS = (
    ("min", "max"),
    ("amin", "amax"),
    ("minimum", "maximum"),
    ("clamp_min", "clamp_max"),
    ("_foreach_clamp_min_", "_foreach_clamp_max_"),
    ("mean", "sum"),
    ("any", "all"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("rand", "randn"),
    ("square", "abs"),
    ("floor", "ceil"),
    ("real", "fake"),
)
_FELLOW = {**dict(_FELLOWS), **{second: first for first, second in _FELLOWS}}
# Calls that return their first argument, or the object of the method, changed a little.
_THROUGH = frozenset(
    (
        *(
            "abs",
            "clamp",
            "clone",
            "contiguous",
            "detach",
            "double",
            "exp",
            "flatten",
            "float",
            "log",
            "long",
            "neg",
            "normalize",
        ),
        *(
            "relu",
            "reshape",
            "reversed",
            "round",
            "sigmoid",
            "sign",
            "softplus",
            "sorted",
            "sqrt",
            "square",
            "squeeze",
            "sum",
        ),
        *("tanh", "to", "tuple", "unsqueeze", "view", "widen"),
    )
)
# Functions for which the order of arguments does not matter.
_SYMMETRIC = frozenset(("equal", "max", "maximum", "min", "minimum", "prod", "promote_types"))


def arithmetic(node: ast.AST) -> Iterator[ast.AST]:
    """Another operator between the same two operands, also in ``+=``."""
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value)


def comparison(node: ast.AST) -> Iterator[ast.AST]:
    """The boundary moved, or the comparison reversed if it has no boundary."""
    if isinstance(node, ast.Compare):
        for index, operation in enumerate(node.ops):
            if type(operation) in _COMPARISON:
                changed = [*node.ops[:index], _COMPARISON[type(operation)](), *node.ops[index + 1 :]]
                yield ast.Compare(node.left, changed, node.comparators)


def boolean(node: ast.AST) -> Iterator[ast.AST]:
    """``and`` for ``or`` and the other way round; one operand alone; ``not`` dropped."""
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for index in range(len(node.values)):
            rest = [*node.values[:index], *node.values[index + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def condition(node: ast.AST) -> Iterator[ast.AST]:
    """The condition of a branch negated."""
    if isinstance(node, ast.If):
        yield ast.If(_negated(node.test), node.body, node.orelse)
    elif isinstance(node, ast.While):
        yield ast.While(_negated(node.test), node.body, node.orelse)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(_negated(node.test), node.body, node.orelse)


def minus(node: ast.AST) -> Iterator[ast.AST]:
    """A minus sign dropped."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand


def constant(node: ast.AST) -> Iterator[ast.AST]:
    """Another number, the other truth value."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield ast.Constant(node.value + 1)


def fellow(node: ast.AST) -> Iterator[ast.AST]:
    """The name that this one is easily taken for: minimum for maximum, sum for mean, fake for real."""
    if isinstance(node, ast.Attribute) and node.attr in _FELLOW and isinstance(node.ctx, ast.Load):
        yield ast.Attribute(node.value, _FELLOW[node.attr], node.ctx)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FELLOW:
        yield ast.Call(ast.Name(_FELLOW[node.func.id], ast.Load()), node.args, node.keywords)


def through(node: ast.AST) -> Iterator[ast.AST]:
    """A call dropped, so that what goes in comes out: no detach, no relu, no flatten, no square."""
    if not isinstance(node, ast.Call):
        return
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr in _THROUGH:
        module = isinstance(called.value, ast.Name) and called.value.id in {"torch", "functional", "math"}
        if not module:
            yield called.value
        elif node.args:
            yield node.args[0]
    elif isinstance(called, ast.Name) and called.id in _THROUGH and node.args:
        is_shape = isinstance(node.args[0], ast.Attribute) and node.args[0].attr == "shape"
        if not is_shape:  # which is a tuple already
            yield node.args[0]


def keyword(node: ast.AST) -> Iterator[ast.AST]:
    """A keyword argument left out; not `strict` of zip, which is an assertion."""
    if isinstance(node, ast.Call):
        for index in [index for index, given in enumerate(node.keywords) if given.arg != "strict"]:
            yield ast.Call(node.func, node.args, [*node.keywords[:index], *node.keywords[index + 1 :]])


def swap(node: ast.AST) -> Iterator[ast.AST]:
    """Two neighboring arguments of a call in each other's place; not a name for messages and what it names."""
    if (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] not in _SYMMETRIC
        and not any(isinstance(argument, ast.Starred) for argument in node.args)
    ):
        for index in range(len(node.args) - 1):
            first, second = node.args[index : index + 2]
            if not _is_text(first) and not _is_text(second):
                yield ast.Call(node.func, [*node.args[:index], second, first, *node.args[index + 2 :]], node.keywords)


def nothing_returned(node: ast.AST) -> Iterator[ast.AST]:
    """``return None`` in place of a value."""
    if isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def statement(node: ast.AST) -> Iterator[ast.AST]:
    """A statement dropped: a check, a raise, a change in place; or a context left out around what it holds."""
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    changed = node.targets if isinstance(node, ast.Assign | ast.Delete) else []  # not: a name that is forgotten
    stored = bool(changed) and isinstance(changed[0], ast.Attribute | ast.Subscript)
    if called or stored or isinstance(node, ast.Raise | ast.AugAssign | ast.Continue | ast.Break):
        yield ast.Pass()
    elif isinstance(node, ast.With) and all(item.optional_vars is None for item in node.items):
        yield ast.If(ast.Constant(True), node.body, [])


OPERATORS: dict[str, Operator] = {
    "arithmetic": arithmetic,
    "comparison": comparison,
    "boolean": boolean,
    "condition": condition,
    "minus": minus,
    "constant": constant,
    "fellow": fellow,
    "through": through,
    "keyword": keyword,
    "swap": swap,
    "return": nothing_returned,
    "statement": statement,
}


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
