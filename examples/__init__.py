"""Pipelines that assemble the parts of gankit; each is a package of its own."""
