"""How fast a full GAN iteration is, and how exact."""
