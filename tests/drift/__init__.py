"""Tests of reading and comparing documentation pages."""
