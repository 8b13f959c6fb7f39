"""What the steps of gankit do on one GPU: speed, share of the roofline, launches, memory, waits, tests, a training."""
