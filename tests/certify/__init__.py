"""Tests of a merchant on trial."""
