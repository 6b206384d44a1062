"""Installs the peers: packages of PyPI into an environment of their own in the build folder, and Debian's libraries."""

import os
import shutil
import subprocess
import sys

PACKAGES = ["torch==2.13.0", "numpy", "onnx", "onnxscript", "onnxruntime", "openvino"]
DEBIAN = ["libopenblas0-pthread", "libdnnl-dev"]
# PyTorch without code for graphics cards is a tenth as large; PyPI has it for some systems only.
INDEX = "https://download.pytorch.org/whl/cpu"


def run(home):
    failed = []
    python = home.venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home.venv], check=True)
    for package in PACKAGES:
        print(f"installing {package} into {home.venv}", flush=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        fallback = [*pip[:-1], "--index-url", INDEX, package]
        cpu = [*pip[:-1], package + "+cpu"]
        commands = [cpu, fallback, pip] if package.startswith("torch") and not shutil.which("nvidia-smi") else [pip]
        if not any(subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0 for command in commands):
            failed.append(f"{package} cannot be installed by pip")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *DEBIAN]
    if os.geteuid() != 0:
        failed.append("only root can install the rest: " + " ".join(command))
    elif not shutil.which("apt-get") or subprocess.run(command).returncode != 0:
        failed.append("this did not work: " + " ".join(command))
    for reason in failed:
        print(f"setup: {reason}", file=sys.stderr)
    print("oneDNN is linked when building: cmake looks for it anew at the next ./dev bench")
    return 3 if failed else 0
