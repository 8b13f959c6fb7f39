"""R3GAN: paired losses, R1 and R2 at every step, and deep residual networks without norms."""
