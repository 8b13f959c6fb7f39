"""Report B: a DCGAN without labels, with the tips that the report tries."""
