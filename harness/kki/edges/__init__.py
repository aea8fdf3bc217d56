"""Everything that touches network, clock, chance or disk."""
