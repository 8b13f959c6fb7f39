"""Draws what each augmentation does to one picture."""
