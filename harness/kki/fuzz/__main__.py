"""`python -m kki.fuzz`: writes the file of coverage cases beside the contract."""

from __future__ import annotations

from kki.edges import contract as contracts
from kki.fuzz.coverage import FILE, compile_cases

if __name__ == "__main__":
    path = contracts.data_root() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(compile_cases())
