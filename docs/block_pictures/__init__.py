"""Draws the blocks of the library as pictures of their data flow."""
