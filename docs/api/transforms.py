"""Changes of the reference's pages once Sphinx has read them: links in docstrings, which stay plain in a terminal."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from docutils import nodes
from link_targets import public_target, split_papers, torch_address
from public_names import public_folders, public_names
from signatures import is_protocol
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

_CODE = (nodes.literal, nodes.literal_block, nodes.doctest_block)
_NOT_LINKED = (nodes.reference, nodes.title, addnodes.desc_signature, addnodes.pending_xref)


def _above(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _is_within(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    return any(isinstance(one, kinds) for one in _above(node))


class PaperLinks(SphinxPostTransform):
    """Turn the identifiers of papers into links, except in code."""

    default_priority = 400

    def run(self, **kwargs: Any) -> None:
        """Visit every text of the page."""
        del kwargs
        for text in list(self.document.findall(nodes.Text)):
            parts = list(split_papers(text.astext()))
            if any(address for _, address in parts) and not _is_within(text, (*_CODE, nodes.reference)):
                linked = [nodes.reference("", part, refuri=to) if to else nodes.Text(part) for part, to in parts]
                text.parent.replace(text, linked)


class NameLinks(SphinxPostTransform):
    """Turn literals that name something public, of gankit or torch, into links. A page has no link to itself."""

    default_priority = 410

    def run(self, **kwargs: Any) -> None:
        """Visit every literal of the page."""
        del kwargs
        objects = self.env.domains.python_domain.objects
        kinds = {name: entry.objtype for name, entry in objects.items()}
        page = self.env.docname
        for literal in list(self.document.findall(nodes.literal)):
            if _is_within(literal, _NOT_LINKED):
                continue
            text = literal.astext()
            target = public_target(text, page, kinds)
            address = self._address(literal, target, objects[target]) if target else torch_address(text)
            if address:
                reference = nodes.reference("", "", refuri=address)
                literal.parent.replace(literal, reference)
                reference += literal

    def _address(self, literal: nodes.literal, target: str, entry: Any) -> str:
        """Return the address of a documented name, empty within that name's own description."""
        if target == self.env.docname or _describes(literal, target):
            return ""
        page = self.app.builder.get_relative_uri(self.env.docname, entry.docname)
        return page if target == entry.docname else f"{page}#{entry.node_id}"


def _describes(node: nodes.Node, name: str) -> bool:
    return any(
        name in signature["ids"]
        for one in _above(node)
        if isinstance(one, addnodes.desc)
        for signature in one.findall(addnodes.desc_signature)
        if signature.parent is one
    )


class TorchTypes(SphinxPostTransform):
    """Link the types of torch to its documentation, before Sphinx looks for them here."""

    default_priority = 5

    def run(self, **kwargs: Any) -> None:
        """Visit every name of a type that has no target yet."""
        del kwargs
        for name in list(self.document.findall(addnodes.pending_xref)):
            address = torch_address(_public_path(name["reftarget"])) if name.get("reftype") == "class" else None
            if address:
                name.replace_self(nodes.reference("", "", *name.children, refuri=address))


def _public_path(name: str) -> str:
    """Return the path by which users know a class of torch."""
    return {
        "torch._C.Generator": "torch.Generator",
        "torch.nn.modules.module.Module": "torch.nn.Module",
        "torch.nn.parameter.Parameter": "torch.nn.Parameter",
        "torch.optim.optimizer.Optimizer": "torch.optim.Optimizer",
    }.get(name, name)


class ProtocolLabels(SphinxPostTransform):
    """Write "protocol" before the names of protocols, where Sphinx writes "class"."""

    default_priority = 420

    def run(self, **kwargs: Any) -> None:
        """Visit every description of a class."""
        del kwargs
        protocols = {
            public.path for folder in public_folders() for public in public_names(folder) if is_protocol(public.load())
        }
        for signature in self.document.findall(addnodes.desc_signature):
            kind = signature[0]
            if protocols.intersection(signature["ids"]) and isinstance(kind, addnodes.desc_annotation):
                kind.children[:] = []
                kind.extend([addnodes.desc_sig_keyword("", "protocol"), addnodes.desc_sig_space()])


class ListsOfCauses(SphinxPostTransform):
    """Show the causes of an exception one below the other where there are three or more, and call attributes so."""

    default_priority = 430

    def run(self, **kwargs: Any) -> None:
        """Visit the exceptions of every description."""
        del kwargs
        for field in self.document.findall(nodes.field):
            name = field[0]
            assert isinstance(name, nodes.field_name)
            if name.astext() == "Variables":
                name.replace_self(nodes.field_name("", "Attributes"))
            if name.astext() != "Raises":
                continue
            for paragraph in list(field.findall(nodes.paragraph)):
                head, causes = cut_causes(paragraph.children)
                if len(causes) > 2:
                    items = [nodes.list_item("", nodes.paragraph("", "", *cause)) for cause in causes]
                    listed = nodes.bullet_list("", *items, classes=["causes"])
                    paragraph.children[:] = []
                    paragraph.extend([*head[:-1], nodes.Text(":")])
                    paragraph.parent.insert(paragraph.parent.index(paragraph) + 1, listed)


def cut_causes(parts: Sequence[nodes.Node]) -> tuple[list[nodes.Node], list[list[nodes.Node]]]:
    """Cut "ValueError - one cause; another" into the exception with its dash, and the causes between semicolons."""
    head: list[nodes.Node] = []
    causes: list[list[nodes.Node]] = []
    for part in parts:
        if not isinstance(part, nodes.Text):
            (causes[-1] if causes else head).append(part)
            continue
        text = part.astext()
        if not causes:
            before, dash, text = text.partition(" \N{EN DASH} ")
            head += [nodes.Text(piece) for piece in (before, dash) if piece]
            if not dash:
                continue
            causes.append([])
        for number, piece in enumerate(text.split("; ")):
            if number:
                causes.append([])
                piece = re.sub(r"^or,? ", "", piece)  # noqa: PLW2901  the list says so already
            if piece:
                causes[-1].append(nodes.Text(piece))
    return head, causes


TRANSFORMS = (TorchTypes, PaperLinks, NameLinks, ProtocolLabels, ListsOfCauses)
