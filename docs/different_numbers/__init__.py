"""The tables of the page "Same name, different number": one example, computed in the ways of well-known programs."""
