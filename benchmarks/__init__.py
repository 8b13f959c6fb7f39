"""Benchmarks: the speed of a full GAN iteration, the overhead of an update, and published experiments."""
