"""The networks of report E with R1, an average by half-life, and adaptive augmentation."""
