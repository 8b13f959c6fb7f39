"""The time, the error and the memory of a full GAN iteration, for several ways to write it."""
