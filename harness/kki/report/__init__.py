"""Verdicts become documents. Reads runs and redacted records only; judges nothing."""
