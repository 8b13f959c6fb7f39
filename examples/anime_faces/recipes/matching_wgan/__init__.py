"""Report A: a matching-aware WGAN that draws from any text."""
