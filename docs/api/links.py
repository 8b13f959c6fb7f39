"""Links that the pages of the reference add to the text of docstrings, which stays plain in a terminal."""

from typing import Any

from docutils import nodes
from link_targets import split_papers
from sphinx.transforms.post_transforms import SphinxPostTransform


class PaperLinks(SphinxPostTransform):
    """Turn the identifiers of papers into links, except in code."""

    default_priority = 400

    def run(self, **kwargs: Any) -> None:
        """Visit every text of the page."""
        del kwargs
        for text in list(self.document.findall(nodes.Text)):
            parts = list(split_papers(text.astext()))
            inside = (nodes.literal, nodes.literal_block, nodes.reference, nodes.doctest_block)
            if not any(address for _, address in parts) or isinstance(text.parent, inside):
                continue
            text.parent.replace(
                text, [nodes.reference("", part, refuri=to) if to else nodes.Text(part) for part, to in parts]
            )
