"""Good and spoiled traffic, as intentions: pure, and ignorant of who sends it."""
