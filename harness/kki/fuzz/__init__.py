"""The one door to Schemathesis: cases compiled from the contract, and bodies made by chance from its shapes."""

from kki.fuzz.coverage import FILE, cases_for, compile_cases
from kki.fuzz.generated import generated_bodies

__all__ = ["FILE", "cases_for", "compile_cases", "generated_bodies"]
