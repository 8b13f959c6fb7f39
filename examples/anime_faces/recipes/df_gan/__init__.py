"""DF-GAN: a text changes every layer of the generator, and the critic is flat around matching pairs."""
