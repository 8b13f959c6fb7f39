"""Runs that fail, each beside the same run with the cure: the figures and pictures of the guide on failures."""
