"""A complete pipeline that learns to draw anime faces with requested hair and eye colors."""
