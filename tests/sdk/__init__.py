"""DOKU's own SDKs, as published, against the simulator: what it accepts of them, and what they are found to do."""
