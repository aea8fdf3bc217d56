"""Situations that put a server to the test."""
