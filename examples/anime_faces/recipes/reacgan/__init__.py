"""ReACGAN: classes on the unit sphere, by the data-to-data cross-entropy."""
