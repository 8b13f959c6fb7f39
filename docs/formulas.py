r"""Turns formulas in LaTeX into MathML, which browsers draw without scripts, fonts or network.

A guide writes ``$x^2$`` in a line, or ``$$`` around a formula of its own line; a docstring has the role ``math`` and the
directive ``.. math::``. `latex2mathml` converts leniently: it shows what it does not know. So its result is checked, and a
formula that would be shown wrong stops the build.
"""

import html
import re
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

# How many children the elements of MathML with a fixed number of them have.
_CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "mroot": 2, "msubsup": 3, "munderover": 3}
_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ET.register_namespace("", _NAMESPACE)
_ENVIRONMENTS = {"align*", "cases", "matrix", "bmatrix", "pmatrix", "vmatrix"}
_LIMITS = {"inf", "lim", "max", "min", "sup"}
_ENTITY = re.compile(r"&(?!#x[0-9A-F]+;|lt;|gt;|amp;)")
# Browsers do not break a formula inside a line, and a phone shows about this many symbols beside each other.
_WIDEST_IN_A_LINE = 32
_MARKED = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', flags=re.DOTALL)


class FormulaError(ValueError):
    """A formula is not understood, or would be shown wrong."""


def to_mathml(latex: str, *, display: bool = False) -> str:
    """Convert one formula.

    Args:
        latex: The formula, without the signs around it.
        display: Whether it stands on a line of its own; it then scrolls by itself where it is wider than the page.

    Raises:
        FormulaError: It is empty, has a command or a form that is not known, lacks an argument or a brace, or is too wide
            for the middle of a line.
    """
    formula = " ".join(latex.split())
    try:
        root = _convert(formula, display=display)
    except FormulaError as error:
        raise FormulaError(f"the formula {formula!r} is not understood: {error}") from error
    except Exception as error:  # the converter has a kind of error for each mistake, without a message
        raise FormulaError(f"the formula {formula!r} is not understood: {type(error).__name__}") from error
    _space_names(root, display=display)
    root.set("alttext", formula)
    root.set("data-search-exclude", "")
    mathml = ET.tostring(root, encoding="unicode")
    return f'<div class="formula">{mathml}</div>' if display else mathml


def replace_formulas(page: str, source: str) -> str:
    """Replace the formulas that the Markdown extension `arithmatex` marked on one page.

    Raises:
        FormulaError: One is not understood; the message names `source`.
    """

    def mathml(match: re.Match[str]) -> str:
        try:
            return to_mathml(html.unescape(match["latex"]), display=match["tag"] == "div")
        except FormulaError as error:
            raise FormulaError(f"{source}: {error}") from error

    return _MARKED.sub(mathml, page)


def _convert(formula: str, *, display: bool) -> ET.Element:
    if not _braces_match(formula):
        raise FormulaError("its braces do not match")
    if unknown := set(re.findall(r"\\begin\{(.*?)\}", formula)) - _ENVIRONMENTS:
        raise FormulaError(f"{', '.join(sorted(unknown))} is none of {', '.join(sorted(_ENVIRONMENTS))}")
    text = convert(formula, display="block" if display else "inline")
    root = ET.fromstring(_ENTITY.sub("&amp;", text))  # noqa: S314  written by the converter a line above
    _check(root)
    if not display and (symbols := _symbols(root)) > _WIDEST_IN_A_LINE:
        raise FormulaError(f"{symbols} symbols in a line are too wide for a phone: give it a line of its own")
    return root


def _braces_match(latex: str) -> bool:
    depth = 0
    for brace in re.findall(r"\\.|[{}]", latex):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


def _check(root: ET.Element) -> None:
    for element in root.iter():
        name = _kind(element)
        text = element.text or ""
        if "\\" in text:
            raise FormulaError(f"{text} is not known")
        if text == "&":
            raise FormulaError("& is for the columns of cases and matrices, and for align*")
        if "linebreak" in element.attrib:
            raise FormulaError("a browser does not break a formula: write cases, or two formulas")
        if (wanted := _CHILDREN.get(name)) is not None and len(element) != wanted:
            raise FormulaError(f"<{name}> has {len(element)} of its {wanted} parts")


def _symbols(root: ET.Element) -> int:
    return sum(len(element.text or "") for element in root.iter() if len(element) == 0)


def _space_names(root: ET.Element, *, display: bool) -> None:
    """Set names such as log and max upright, with a thin space before a letter, and their limits below them."""
    for parent in list(root.iter()):
        children = list(parent)
        for child, after in zip(children, [*children[1:], None], strict=False):
            # A name with a limit or an exponent is the first child of its element.
            name = child if len(child) == 0 else child[0]
            if _kind(name) not in {"mi", "mo"} or not (name.text or "").isalpha() or len(name.text or "") == 1:
                continue
            name.tag = f"{{{_NAMESPACE}}}mi"
            if display and name.text in _LIMITS and _kind(child) == "msub":
                child.tag = f"{{{_NAMESPACE}}}munder"
            row = _kind(parent) not in _CHILDREN
            if row and after is not None and "".join(after.itertext())[:1] not in {"(", ")", "[", "]", "{", "}", ","}:
                space = ET.Element(f"{{{_NAMESPACE}}}mspace", {"width": "0.167em"})
                parent.insert(list(parent).index(child) + 1, space)


def _kind(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
