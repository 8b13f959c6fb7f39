"""Sphinx settings of the API reference. Its pages are shown inside the MkDocs site; see ``docs/hooks.py``."""

import inspect
import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import formulas  # noqa: E402
import project as this_project  # noqa: E402
import public_names as reference  # noqa: E402
from docutils import nodes  # noqa: E402
from docutils.parsers.rst.states import Inliner  # noqa: E402
from signatures import explained_at, functions_of, is_protocol, write_defaults  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from sphinx.builders.html import StandaloneHTMLBuilder  # noqa: E402
from sphinx.domains.python import PyXRefRole  # noqa: E402
from sphinx.pycode import ModuleAnalyzer  # noqa: E402
from sphinx.util import logging  # noqa: E402
from sphinx.writers.html5 import HTML5Translator  # noqa: E402
from sphinxcontrib.serializinghtml import JSONHTMLBuilder  # noqa: E402
from transforms import TRANSFORMS  # noqa: E402
from type_names import shorten  # noqa: E402

logger = logging.getLogger(__name__)
project = "gankit"
release = this_project.read_project().version
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.coverage",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
default_role = "plain"
html_math_renderer = "mathml"
add_module_names = True
html_copy_source = False
html_use_index = False
python_display_short_literal_types = True
python_maximum_signature_line_length = 120
toc_object_entries = False

autodoc_default_options = {"members": True, "special-members": "__call__", "member-order": "bysource"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Shape", "Reference", "Differences"]
coverage_ignore_pyobjects = [r"\.extra_repr$"]
coverage_show_missing_items = True
coverage_statistics_to_stdout = False

nitpicky = True
# Types of other libraries that gankit's signatures name: they have no page here.
nitpick_ignore_regex = [
    ("py:class", r"torch\.(Tensor|Generator|dtype|device|nn\.Module|optim\.Optimizer)"),
    ("py:class", r"torch\.(_C|nn\.modules\.\w+|nn\.parameter|optim\.optimizer)\.\w+"),
    ("py:class", r"(collections|collections\.abc|os|pathlib|typing)\.\w+"),
    ("py:(class|exc)", r"(None|bool|int|float|str|bytes|object|tuple|list|dict|ValueError|UserWarning|RuntimeError)"),
]


class PageBuilder(JSONHTMLBuilder):
    """Writes each page as JSON, linked as ``name.html``, for the MkDocs site to show in its own frame."""

    search = False
    get_target_uri = StandaloneHTMLBuilder.get_target_uri

    def dump_context(self, context: dict[str, Any], filename: str | os.PathLike[str]) -> None:
        """Write the parts that the frame needs; the rest of a page's context is unused, and partly not JSON."""
        kept = {key: context[key] for key in ("title", "body") if key in context}
        Path(filename).write_text(json.dumps(kept), encoding="utf-8")


def draw_formula(translator: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML; one that is not understood stops the build."""
    try:
        translator.body.append(formulas.to_mathml(node.astext(), display=isinstance(node, nodes.math_block)))
    except formulas.FormulaError as error:
        logger.warning("%s", error, location=node)
    raise nodes.SkipNode


def plain_role(  # noqa: PLR0917  docutils fixes these arguments
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Inliner,
    options: dict[str, Any] | None = None,
    content: list[str] | None = None,
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Read single backticks as a checked link if they contain a path of gankit, else as code such as an argument."""
    del name
    if text.lstrip("~").startswith("gankit."):
        return PyXRefRole()("py:obj", rawtext, text, lineno, inliner, options or {}, content or [])
    return [nodes.literal(rawtext, text)], []


def claim_public_names() -> None:
    """Set the module of each public object to the folder that users import it from.

    Links in signatures and the coverage check then use public paths instead of private modules. Autodoc reads the order of
    members and documented attributes from the source of that module, so a folder's source is that of all its files.
    """
    for folder in reference.public_folders():
        for public in reference.public_names(folder):
            thing = public.load()
            if getattr(thing, "__module__", "").startswith("gankit."):
                HOMES[public.path] = thing.__module__
                thing.__module__ = public.folder
            drop_notes_of_properties(thing)
            for function in functions_of(thing):
                constants = reference.documented_assignments(public.home)
                write_defaults(function, {name: expression for name, (expression, _) in constants.items()})
        files = sorted((reference.PACKAGE / folder).rglob("_[!_]*.py"))
        source = "\n".join(file.read_text(encoding="utf-8") for file in files)
        path = f"gankit.{folder}"
        analyzer = ModuleAnalyzer.for_string(source, path)
        analyzer.analyze()
        # Overloads are for type checkers. The page shows the one signature that the docstring explains.
        analyzer.overloads = {}
        ModuleAnalyzer.cache["module", path] = analyzer


def drop_notes_of_properties(thing: object) -> None:
    """Annotate properties with plain tensors: autodoc writes their types where `shorten` is not called."""
    for member in vars(thing).values() if inspect.isclass(thing) else ():
        if isinstance(member, property) and member.fget is not None:
            returned = member.fget.__annotations__.get("return")
            if get_origin(returned) is Annotated:
                member.fget.__annotations__["return"] = get_args(returned)[0]


def find_home(app: Sphinx, module: str, name: str) -> str:
    """Return the private module whose source a page links to."""
    del app
    return HOMES.get(f"{module}.{name.partition('.')[0]}", module)


HOMES: dict[str, str] = {}


def shorten_recorded_types(app: Sphinx, *_: object) -> None:
    """Shorten the types that autodoc recorded, before it puts them into descriptions."""
    recorded = app.env.current_document.autodoc_annotations
    for name, annotations in recorded.items():
        recorded[name] = {argument: shorten(annotation) for argument, annotation in annotations.items()}


def show_return_type(  # noqa: PLR0917  Sphinx fixes these arguments
    app: Sphinx, what: str, name: str, thing: object, options: object, arguments: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write the return type at the end of the signature; the types of arguments are in their descriptions.

    A protocol has no signature. Every other one must name its arguments.
    """
    del options
    if is_protocol(thing):
        return "", None
    if re.search(r"\*args\b|\*\*[a-z]", arguments or ""):
        logger.warning("%s has the signature %s, which says nothing", name, arguments)
    recorded = app.env.current_document.autodoc_annotations.get(name, {})
    if what in {"function", "method"} and recorded.get("return", "None") != "None":
        returned = shorten(recorded["return"])
    return arguments, returned


def drop_return_fields(app: Sphinx, domain: str, what: str, content: nodes.Element) -> None:
    """Take out the return types that autodoc adds below each list of fields: the signature shows them."""
    del app, domain, what
    for fields in [child for child in content.children if isinstance(child, nodes.field_list)]:
        for field in list(fields.children):
            if field.children[0].astext() == "rtype":
                fields.remove(field)
        if not fields.children:
            content.remove(fields)


def refuse_missing_docstring(  # noqa: PLR0917  Sphinx fixes these arguments
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Fail the build if a documented object has no docstring."""
    del app, thing, options
    if not any(line.strip() for line in lines):
        logger.warning("the %s %s has no docstring", what, name)


def leave_out_floor(  # noqa: PLR0917  Sphinx fixes these arguments
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Remove from a folder's docstring the number of its floor, and its groups, which the page shows with their names."""
    del app, name, thing, options
    if what == "module" and lines and (match := re.match(r"Floor \d+: (\w)", lines[0])):
        lines[0] = match[1].upper() + lines[0][match.end() :]
    if what == "module" and "Groups:" in lines:
        del lines[lines.index("Groups:") :]


def point_to_protocol(  # noqa: PLR0917  Sphinx fixes these arguments
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Say where the arguments of a method are explained, if its class follows a protocol of its folder."""
    del app, options
    if what == "method":
        things = (public.load() for public in reference.public_names(name.split(".")[1]))
        if explained := explained_at(thing, (protocol for protocol in things if is_protocol(protocol))):
            lines += ["", f"`{explained}` explains the arguments."]


def skip_what_others_explain(  # noqa: PLR0917  Sphinx fixes these arguments
    app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object
) -> bool | None:
    """Leave out the generated docstrings of named tuples' fields ("Alias for field number 0"), and `extra_repr`."""
    del app, what, skip, options
    return True if type(thing).__name__ == "_tuplegetter" or name == "extra_repr" else None


def setup(app: Sphinx) -> None:
    """Register the parts above."""
    claim_public_names()
    app.add_builder(PageBuilder, override=True)
    app.add_role("plain", plain_role)
    app.add_html_math_renderer("mathml", (draw_formula, None), (draw_formula, None))
    for transform in TRANSFORMS:
        app.add_post_transform(transform)
    app.connect("object-description-transform", shorten_recorded_types, priority=400)
    app.connect("object-description-transform", drop_return_fields, priority=600)
    app.connect("autodoc-process-signature", show_return_type, priority=600)
    app.connect("viewcode-follow-imported", find_home)
    app.connect("autodoc-skip-member", skip_what_others_explain)
    app.connect("autodoc-process-docstring", leave_out_floor)
    app.connect("autodoc-process-docstring", point_to_protocol, priority=800)
    app.connect("autodoc-process-docstring", refuse_missing_docstring, priority=900)
