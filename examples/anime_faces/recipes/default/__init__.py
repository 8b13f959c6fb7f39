"""The default: the best known here for two CPU cores in ten minutes."""
