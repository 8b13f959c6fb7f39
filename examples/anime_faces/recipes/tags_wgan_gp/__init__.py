"""Report C: pictures from a vector of tags, by "WGAN-GP"."""
