"""The default: the best of what was tried for two CPU cores and ten minutes."""
