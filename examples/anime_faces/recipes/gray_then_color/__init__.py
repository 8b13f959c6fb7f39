"""Report B: a generator of gray pictures, and a second one that colors them."""
