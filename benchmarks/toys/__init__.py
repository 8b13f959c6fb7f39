"""Published experiments that fit two processor cores: does the arithmetic train what the papers say it trains?"""
