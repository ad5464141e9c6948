"""Whole processes, start to exit."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .case import OURS
from .workers import environment, ratio

SKLEARN_JOB = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import matplotlib
matplotlib.use("Agg")
import joblib
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])
folder.mkdir()
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
net = MLPClassifier((128, 64), batch_size=32, early_stopping=True, validation_fraction=0.15, n_iter_no_change=20,
                    tol=0.0, max_iter=200, random_state=0)
pipe = make_pipeline(StandardScaler(), net).fit(X, y)
print(net.n_iter_, "epochs")
print(classification_report(y_test, pipe.predict(X_test)))
figure, axes = plt.subplots()
axes.plot(net.loss_curve_)
axes.twinx().plot(net.validation_scores_)
figure.savefig(folder / "curves.png")
ConfusionMatrixDisplay.from_estimator(pipe, X_test, y_test).figure_.savefig(folder / "confusion.png")
joblib.dump(pipe, folder / "model.joblib")
"""


def processes(rounds: int) -> dict[str, Any] | None:
    print("\n### Whole process, start to exit: `chainrule train digits` and the same job in scikit-learn\n")
    for module, what in (("chainrule.cli", "the command"), ("sklearn", "scikit-learn"), ("matplotlib", "matplotlib")):
        if importlib.util.find_spec(module) is None:
            print(f"- left out: {what} is not installed")
            return None
    commands = {
        OURS: [sys.executable, "-m", "chainrule", "train", "digits", "--out"],
        "scikit-learn": [sys.executable, "-c", SKLEARN_JOB],
    }
    seconds: dict[str, list[float]] = {side: [] for side in commands}
    with tempfile.TemporaryDirectory() as folder:
        # Bytecode as an installed package has it, for both sides alike: the first round writes it.
        given = {n: v for n, v in environment(1).items() if n != "PYTHONDONTWRITEBYTECODE"}
        given["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))
        for number in range(rounds + 1):
            for k, (side, command) in enumerate(commands.items()):
                begin = time.perf_counter()
                out = str(Path(folder, f"{k}-{number}"))
                subprocess.run([*command, out], check=True, capture_output=True, env=given)
                if number:  # the first compiles, and reads the files of the libraries from disk
                    seconds[side].append(time.perf_counter() - begin)
    peer, mine = seconds["scikit-learn"], seconds[OURS]
    print("| side | s | side / ours |\n|---|---:|---:|")
    for side, found in seconds.items():
        print(f"| {side} | {statistics.median(found):.2f} | {ratio(found, mine):.2f} |")
    return {"seconds": seconds, "ratio": ratio(peer, mine)}
