"""What tests share: strategies that draw cases, and oracles that compute them in another way."""
