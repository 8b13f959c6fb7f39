"""The tables of the page "Coming from another program": each row is computed there and here, and the factor is checked."""
