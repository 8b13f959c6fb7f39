"""Writes the tables of layers into the page that shows every network."""
