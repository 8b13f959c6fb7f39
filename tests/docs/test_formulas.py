r"""Formulas become MathML that a browser shows as it was meant, or are refused."""

import re
from xml.etree import ElementTree as ET

import markdown
import pytest

from docs.formulas import FormulaError, replace_formulas, to_mathml


def shown(mathml: str) -> str:
    return "".join(ET.fromstring(mathml).itertext())


def tags(mathml: str) -> list[str]:
    return [element.tag.rpartition("}")[2] for element in ET.fromstring(mathml).iter()]


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\lambda\,\mathbb{E}\left[(\lVert \nabla D(x) \rVert_2 - 1)^2\right]", "λ𝔼[(‖∇D(x)‖2\N{MINUS SIGN}1)2]"),
        (r"\operatorname{softplus}(-D(x))", "softplus(\N{MINUS SIGN}D(x))"),
        (r"\frac{\gamma}{2}", "\N{GREEK SMALL LETTER GAMMA}2"),
        (r"\hat x = u x + (1 - u) G(z)", "x^=ux+(1\N{MINUS SIGN}u)G(z)"),
        (r"\max\{0, 1 - s\}", "max{0,1\N{MINUS SIGN}s}"),
        (r"a < b", "a<b"),
        ("a\n+ b", "a+b"),
        (r"\text{real & fake}", "real\N{NO-BREAK SPACE}&\N{NO-BREAK SPACE}fake"),
    ],
)
def test_a_formula_shows_its_symbols(latex: str, text: str) -> None:
    assert shown(to_mathml(latex)) == text
    assert shown(to_mathml(latex, display=True)) == text


@pytest.mark.parametrize(
    ("latex", "reason"),
    [
        ("", "understood"),
        (r"\text{real \& fake}", "not known"),
        (r"\foo x", r"\\foo is not known"),
        (r"\frac{a", "braces"),
        ("a}", "braces"),
        (r"a \} }", "braces"),
        (r"\frac{1}", "1 of its 2 parts"),
        ("x_", "understood"),
        ("x^2^3", "understood"),
        (r"\left( x", "understood"),
        (r"a & b", "columns"),
        (r"a \\ b", "two formulas"),
        (r"\begin{foo} a \end{foo}", "foo is none of"),
        (r"\begin{align} a &= b \end{align}", "align is none of"),
    ],
)
@pytest.mark.parametrize("display", [False, True])
def test_a_formula_that_would_be_shown_wrong_is_refused(latex: str, reason: str, display: bool) -> None:
    with pytest.raises(FormulaError, match=f"{re.escape(repr(latex))}.*{reason}"):
        to_mathml(latex, display=display)


def test_a_wide_formula_needs_a_line_of_its_own() -> None:
    wide = " + ".join("abcdefghijklmnopq")
    with pytest.raises(FormulaError, match="33 symbols"):
        to_mathml(wide)
    assert to_mathml(wide, display=True).startswith('<div class="formula"><math')
    assert to_mathml(" + ".join("abcdefghijklmnop") + "!").startswith("<math")


def test_names_are_spaced_and_limits_stand_below_on_their_own_line() -> None:
    assert tags(to_mathml(r"\log x")) == ["math", "mrow", "mi", "mspace", "mi"]
    assert "mspace" not in tags(to_mathml(r"\log(x)"))
    game = r"\min_G \max_D V"
    assert tags(to_mathml(game, display=True)).count("munder") == 2
    assert tags(to_mathml(game)).count("msub") == 2
    assert tags(to_mathml(r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}", display=True)).count("mtr") == 2


def page(text: str) -> str:
    settings = {"pymdownx.arithmatex": {"generic": True, "inline_syntax": ["dollar"], "block_syntax": ["dollar"]}}
    extensions = ["pymdownx.arithmatex", "pymdownx.superfences"]
    return markdown.markdown(text, extensions=extensions, extension_configs=settings)


def test_formulas_of_a_guide_are_replaced() -> None:
    made = replace_formulas(page("With $a < b$ it costs\n\n$$\na \\& b\n$$\n".replace("\\&", "+")), "losses.md")
    assert made.count("<math") == 2
    assert made.count('<div class="formula">') == 1
    assert "arithmatex" not in made
    assert "$" not in made


def test_prices_and_code_are_no_formulas() -> None:
    made = replace_formulas(page("It took $5, or `$a$`, or \\$b\\$.\n\n```\necho $HOME $x$\n```\n"), "losses.md")
    assert "<math" not in made


def test_a_formula_that_is_refused_names_its_page() -> None:
    with pytest.raises(FormulaError, match=r"losses\.md: .*\\foo"):
        replace_formulas(page(r"With $\foo$."), "losses.md")
