"""Report B: StarGAN, which changes attributes of pictures."""
