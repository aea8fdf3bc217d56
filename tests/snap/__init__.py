"""Tests of the protocol layer. The vectors decide; the properties say what no list of vectors can."""
