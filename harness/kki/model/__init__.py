"""The vocabulary: frozen values that every layer speaks. Standard library only."""
