"""Report B: the networks of `dcgan` as a WGAN with clipped weights."""
