"""Report E: an ACGAN whose generator gets colors as embeddings."""
