"""The operator cases of the ONNX standard under ../shared/data/onnx: expressed, compiled, run and compared.

Upstream's tolerance is rtol 1e-3 and atol 1e-7; where all numbers are f32, results are also compared with the float64
column, at 2e-6 + 1e-5 |y|. A case is passed, failed, or listed in inexpressible.txt with the reason.
"""

import json
import math
import pathlib
import subprocess

from conformance import attention, npy, operators
from conformance.model import Inexpressible

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "onnx"
# What there must be at least, so that no case is lost unnoticed.
LEAST_CASES, LEAST_EXPRESSED = 99, 75
OPERATORS = {**operators.OPERATORS, **attention.OPERATORS}
TIMEOUT_S = 120


class Case:
    def __init__(self, folder):
        self.folder = folder
        self.description = json.loads((folder / "case.json").read_text())
        self.operator = self.description["op"]
        given = {tensor["name"]: npy.read(folder / tensor["file"]) for tensor in self.description["inputs"]}
        self.inputs = [given.get(name) for name in self.description["node_inputs"]]  # None: left out
        self.outputs = self.description["outputs"]

    def attribute(self, name, default=None):
        found = self.description["attributes"].get(name)
        return found["value"] if found else default

    def wants(self, output):
        return any(tensor["name"] == output for tensor in self.outputs)

    def output(self, name):
        return [tensor["name"] for tensor in self.outputs].index(name)

    def expected(self, output):
        """What upstream gives, and the same in float64."""
        tensor = self.outputs[output]
        return npy.read(self.folder / tensor["file"]), npy.read(self.folder / tensor["file_f64_recomputed"])


def is_close(got, expected, absolute, relative):
    if math.isnan(expected) or math.isinf(expected):
        return got == expected or (math.isnan(got) and math.isnan(expected))
    return abs(got - expected) <= absolute + relative * abs(expected)


def differences(what, got, expected, absolute, relative):
    wrong = [i for i, (g, e) in enumerate(zip(got, expected)) if not is_close(g, e, absolute, relative)]
    if wrong:
        i = max(wrong, key=lambda i: abs(got[i] - expected[i]) if math.isfinite(got[i]) else math.inf)
        yield (f"{what}: {len(wrong)} of {len(got)} numbers differ by more than {absolute} + {relative} |y|; "
               f"at {i}, {got[i]!r} instead of {expected[i]!r}")


def run(case, model, weft, folder, device):
    """The problems of one case on a device."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.weft").write_text(model.text())
    command = [weft, "run", "-q", folder / "model.weft", "--device", device]
    if model.weights:
        npy.write_safetensors(folder / "weights.safetensors", model.weights)
        command += ["--weights", folder / "weights.safetensors"]
    for name, (_, array) in model.inputs.items():
        npy.write(folder / f"{name}.npy", array)
        command.append(f"{name}={folder / name}.npy")
    for i in range(len(model.results)):
        command += ["-o", f"out{i}={folder}/out{i}.npy"]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S)
    if process.returncode:
        return [process.stdout]
    problems = []
    compared = {output for output, *_ in model.results}
    for i, (output, *_) in enumerate(model.results):
        name = case.outputs[output]["name"]
        got = npy.read(folder / f"out{i}.npy").values
        upstream, exact = case.expected(output)
        if len(got) != len(upstream.values):
            problems.append(f"{name} has {len(got)} numbers instead of {len(upstream.values)}")
            continue
        problems += differences(name, got, upstream.values, case.description["atol"], case.description["rtol"])
        if upstream.dtype == "<f4":
            problems += differences(f"{name} in float64", got, exact.values, 2e-6, 1e-5)
    for output, tensor in enumerate(case.outputs):
        if output not in compared and math.prod(tensor["shape"]):
            problems.append(f"{tensor['name']} is not computed")
    return problems


def inexpressible():
    """case -> reason"""
    listed = {}
    for line in (HERE / "inexpressible.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, reason = line.split(":", 1)
            listed[name.strip()] = reason.strip()
    return listed


def listing():
    """The cases that are here, and (name, outcome and text) of what is wrong or missing as a whole."""
    if not DATA.is_dir():
        return [], [("cases", ("skipped", "there is no ../shared/data/onnx"))]
    found = [case["case"] for case in json.loads((DATA / "index.json").read_text())["cases"]
             if case["tier"] == "core" and (DATA / case["case"]).is_dir()]
    listed = inexpressible()
    problems = [f"{name} is listed in inexpressible.txt, but is no case" for name in listed if name not in found]
    if len(found) < LEAST_CASES:
        problems.append(f"{len(found)} cases are there, but there should be {LEAST_CASES} at least")
    if len(found) - len(listed) < LEAST_EXPRESSED:
        problems.append(f"{len(found) - len(listed)} cases are expressed, but there should be {LEAST_EXPRESSED} at least")
    return found, [("list of cases", ("failed" if problems else "passed", "\n".join(problems)))]


def check(name, weft, folder, device="cpu"):
    """(outcome, text) of a case. What is listed as inexpressible must not work: the list says what is true today."""
    case = Case(DATA / name)
    reason = inexpressible().get(name)
    try:
        model = OPERATORS[case.operator](case)
        problems = run(case, model, weft, folder, device)
    except Inexpressible as what:
        return ("skipped", reason) if reason else ("failed", f"cannot be expressed, and is not listed: {what}")
    except subprocess.TimeoutExpired:
        problems = [f"still running after {TIMEOUT_S} s"]
    if reason:
        problems.append(f"is expressed, but listed in inexpressible.txt: {reason}")
    return ("failed", "\n".join([*problems, model.text()])) if problems else ("passed", "")
