"""A run of each recipe of the anime faces."""
