"""Medplum's client of JavaScript against the running server. https://www.npmjs.com/package/@medplum/core"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parents[1] / "var/clients/node_modules/@medplum/core/dist/esm/index.mjs"


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js on this machine")
@pytest.mark.skipif(not LIBRARY.exists(), reason="@medplum/core is not installed: .ci/clients does it")
def test_a_program_of_medplum_finds_what_it_expects(address: str, token: str) -> None:
    command = ["node", str(HERE / "medplum.mjs"), str(LIBRARY), address, token]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)

    assert (0, "") == (ran.returncode, ran.stderr)
    told = json.loads(ran.stdout)
    assert ("Wang", "2", "1970-05-06", 3, "unsaid") == tuple(
        told[name] for name in ("read", "updated", "patched", "versions", "first")
    )
    assert (1, True) == (told["made"], told["upserted"])
    assert (11, 65, 12, 4) == tuple(told[name] for name in ("stored", "one", "chart", "codes"))
    assert [["11", "10", "09", "08"], ["07", "06", "05", "04"], ["03", "02", "01"]] == told["pages"]
    assert "yesterday" in told["refused"]
    assert "colour" in told["unknown"]
    assert "deleted" in told["gone"]
