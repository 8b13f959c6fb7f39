"""A complete pipeline that learns to draw anime faces of the asked hair and eye colors."""
