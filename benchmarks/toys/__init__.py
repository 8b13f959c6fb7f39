"""Published experiments that run on two processor cores, repeated with the parts of gankit."""
