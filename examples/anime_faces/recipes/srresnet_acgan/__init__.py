"""Report B: the ACGAN of SRResNet layers from arXiv 1708.05509, with the losses of WGAN-GP or of the paper."""
