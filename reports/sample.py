"""Makes `reports/sample/` anew: what each kind of run leaves. `python reports/sample.py [NAME…]`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "reports" / "sample"
PERSONA = "accepts-any-signature"
FAULTY = "card-iv-static"
SCOPE = ("SIG", "CRD", "PAY")


def kki(*arguments: str) -> None:
    """Runs `kki` of this environment; any verdict is fine, a configuration error or our own fault is not."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "kki", *arguments], cwd=ROOT, env=environment, check=False)
    if done.returncode not in (0, 1, 4):
        raise SystemExit(f"kki {' '.join(arguments)} ended with exit code {done.returncode}")


def folder(name: str) -> str:
    shutil.rmtree(SAMPLE / name, ignore_errors=True)
    return f"reports/sample/{name}"


def simulator() -> None:
    only = [part for area in SCOPE for part in ("--only", area)]
    kki("check", "--level", "quick", *only, "--seed", "1", "--output", folder("check-simulator"))


def persona() -> None:
    from kki.edges import contract as contracts
    from kki.edges import settings
    from kki.edges.listener import serve_simulator
    from kki.engine import run_suites
    from kki.run import Conductor
    from kki.simulator.correct import CORRECT
    from kki.simulator.personas import PERSONAS

    contract = contracts.load()
    plan = settings.built_in_profile(contract)
    only = {row.id for row in contract.requirements.values() if row.area in SCOPE}
    with serve_simulator(plan, contract, PERSONAS[PERSONA].change(CORRECT)) as url:
        conductor = Conductor(
            profile=plan, contract=contract, base_url=url, level="quick", only=only, seed=1,
            target=f"simulator, {PERSONA}", output=Path(folder(f"check-{PERSONA}")),
        )  # fmt: skip
        conductor.preflight()
        run_suites(conductor, 1)
        conductor.close()


def merchant() -> None:
    command = f"{sys.executable} examples/merchant/merchant.py"
    kki("certify", "--live", "off", "--command", command, "--output", folder("certify-merchant"))


def faulty() -> None:
    command = f"{sys.executable} reports/sample.py --be-faulty"
    kki("certify", "--live", "off", "--command", command, "--output", folder(f"certify-{FAULTY}"))


def node_sdk() -> None:
    if shutil.which("node") is None or not (ROOT / "sdk" / "node" / "node_modules").is_dir():
        raise SystemExit("expected Node and `npm --prefix sdk/node ci` for the sample of the Node SDK")
    kki("certify", "--live", "off", "--command", "node sdk/node/drive.cjs", "--output", folder("certify-node-sdk"))


def python_sdk() -> None:
    interpreter = Path("sdk/.venv-python/bin/python")
    if not (ROOT / interpreter).exists():
        raise SystemExit("expected sdk/.venv-python (README of sdk/) for the sample of the Python SDK")
    kki("certify", "--live", "off", "--command", f"{interpreter} sdk/python/drive.py",
        "--output", folder("certify-python-sdk"))  # fmt: skip


def be_faulty() -> None:
    """The faulty merchant itself, in the environment that certify gives to its command."""
    sys.path.insert(0, str(ROOT))
    from tests.certify.merchants import MERCHANTS
    from tests.certify.small_client import Kit

    merchant = next(each for each in MERCHANTS if each.name == FAULTY)
    env = os.environ
    kit = Kit(
        client_id=env["KKI_CLIENT_ID"], client_secret=env["KKI_CLIENT_SECRET"], shared_key=env["KKI_SHARED_KEY"],
        private_key=Path(env["KKI_PRIVATE_KEY"]).read_text("utf-8"), cpan=env["KKI_CPAN"], otp=env["KKI_OTP"],
        card_tokens=tuple(env["KKI_CARD_TOKENS"].split(",")), auth_code=env.get("KKI_AUTH_CODE", ""),
        card={"bankCardNo": env["KKI_CPAN"], "bankCardType": "D", "expiryDate": "1230"},
    )  # fmt: skip
    merchant.run(env["KKI_BASE_URL"], kit)


MAKERS: dict[str, Callable[[], None]] = {
    "simulator": simulator, "persona": persona, "merchant": merchant, "faulty": faulty, "node-sdk": node_sdk,
    "python-sdk": python_sdk,
}  # fmt: skip


def main(names: list[str]) -> None:
    os.chdir(ROOT)  # so that paths in reports are those of the checkout
    for name in names or MAKERS:
        MAKERS[name]()


if __name__ == "__main__":
    be_faulty() if sys.argv[1:] == ["--be-faulty"] else main(sys.argv[1:])
