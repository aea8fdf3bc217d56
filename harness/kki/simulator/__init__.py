"""A strict small DOKU as a function: every check of the page, encoded on its own, without a look at the rules."""
