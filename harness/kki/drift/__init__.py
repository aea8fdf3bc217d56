"""The documentation page as data, and what changed between two versions of it or against our contract. Pure."""
