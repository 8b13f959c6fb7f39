"""Draws pictures of the data flow in the blocks of the library."""
