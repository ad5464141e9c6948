"""What the doctor says is what is there."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy

from chainrule.execute import doctor, executor, native


def test_the_report_is_plain_and_true():
    report = doctor.report()
    assert json.loads(json.dumps(report)) == report
    assert report["executor"] == executor()
    assert report["instruction_sets"] == native.instruction_sets()
    assert (report["numpy"], report["scipy"]) == (np.__version__, scipy.__version__)
    assert report["python"] == ".".join(map(str, sys.version_info[:3]))
    assert 1 <= report["usable"] <= report["processors"]


def test_every_library_is_a_file():
    for library in doctor.report()["blas"]:
        assert os.path.isfile(library["path"])
        assert library["threads"] is None or library["threads"] >= 1


def test_products_are_named_after_the_executor(monkeypatch):
    assert doctor.report()["products"] == ("own" if executor() == "native" else "BLAS")
    monkeypatch.setenv("CHAINRULE_EXECUTOR", "reference")
    assert doctor.report()["products"] == "BLAS"
    assert "those of NumPy's BLAS" in doctor.text()


def test_the_text_says_what_the_report_says():
    report, text = doctor.report(), doctor.text()
    for value in (report["executor"], report["reason"], report["numpy"], report["scipy"], *report["instruction_sets"]):
        assert value in text
    for library in report["blas"]:
        assert library["path"] in text


@pytest.mark.parametrize(
    ("asked", "name", "reason"),
    [("reference", "reference", "CHAINRULE_EXECUTOR asks for it"), ("fast", None, "unknown executor 'fast'")],
)
def test_the_environment_is_named(monkeypatch, asked, name, reason):
    monkeypatch.setenv("CHAINRULE_EXECUTOR", asked)
    report = doctor.report()
    assert report["executor"] == name
    assert reason in report["reason"]
    assert f"executor      {name or 'none'}" in doctor.text()


def without_native(error):
    """The report of a process in which the compiled part raises on import."""
    code = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == 'chainrule._native': raise {error}\n"
        "sys.meta_path.insert(0, Hide())\n"
        "import json\n"
        "from chainrule.execute import doctor\n"
        "print(json.dumps(doctor.report()))"
    )
    kept = {n: v for n, v in os.environ.items() if n != "CHAINRULE_EXECUTOR"}
    found = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=kept)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ModuleNotFoundError('none')", "the native executor was not built"),
        ("ImportError('undefined symbol: x')", "cannot be loaded: undefined symbol: x"),
    ],
)
def test_why_it_is_not_native(error, reason):
    report = without_native(error)
    assert report["executor"] == "reference"
    assert reason in report["reason"]
    assert report["instruction_sets"] == []


def test_the_command_prints_the_report() -> None:
    import json

    from click.testing import CliRunner

    from chainrule.cli.app import app

    plain = CliRunner().invoke(app, ["doctor"])
    assert plain.exit_code == 0
    assert "executor" in plain.output
    facts = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)
    assert facts["executor"] in ("native", "reference")
