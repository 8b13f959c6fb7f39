"""Where pictures and their labels come from: the renderer of faces, and readers of a user's own files."""
