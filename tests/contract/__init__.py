"""Tests of the contract as data, and of what reads it."""
