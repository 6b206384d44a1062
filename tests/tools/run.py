#!/usr/bin/env python3
"""Runs every test of the project and counts them. `./dev test` calls this after building.

Four kinds of test, each listed by its own line in the summary:
  onnx    the operator cases of the ONNX standard, which tests/conformance expresses in the language
  gtest   the programs bin/weft_*_tests of the build
  lit     the .mlir and .weft files under tests/
  policy  the checks of the tree under tests/policy, one per function named test_*

The last line is `N passed, N failed, N skipped`; the exit code is 1 when a test failed or when none ran.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
from tools import mesa, vulkan

# A test that takes longer than this hangs.
TIMEOUT_S = 600


class Tally:
    """What happened to the tests of one kind."""

    def __init__(self, kind, filter):
        self.kind, self.passed, self.failed, self.skips = kind, 0, [], []
        self.filter, self.start = filter.lower(), time.time()

    def wants(self, name):
        return self.filter in f"{self.kind} {name}".lower()

    def add(self, name, outcome, text=""):
        if outcome == "passed":
            self.passed += 1
        elif outcome == "skipped":
            self.skips.append((name, text))
        else:
            self.failed.append(name)
            print(f"\nFAILED {self.kind}: {name}\n{text.rstrip()}\n", flush=True)

    def report(self):
        print(f"  {self.kind:7} {self.passed:5} passed {len(self.failed):4} failed {len(self.skips):4} skipped "
              f"{time.time() - self.start:8.1f} s", flush=True)


# ---- GoogleTest -------------------------------------------------------------------------------------------------------

def gtest_names(binary):
    """Suite -> full names of its tests."""
    listing = subprocess.run([binary, "--gtest_list_tests"], capture_output=True, text=True, timeout=TIMEOUT_S)
    if listing.returncode != 0:
        raise RuntimeError(listing.stdout + listing.stderr)
    suites, suite = {}, None
    for line in listing.stdout.splitlines():
        name = line.split("#")[0].rstrip()
        if line.startswith("  "):
            suites[suite].append(suite + name.strip())
        elif name.endswith("."):
            suite = name
            suites.setdefault(suite, [])
    return suites


def run_gtest(binary, names):
    """(name, outcome, text) of each; after a crash the rest runs in a new process."""
    results, left = [], list(names)
    while left:
        command = [binary, "--gtest_color=no", "--gtest_filter=" + ":".join(left)]
        try:
            process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, timeout=TIMEOUT_S)
            output, end = process.stdout.decode(errors="replace"), f"the process ended with code {process.returncode}"
        except subprocess.TimeoutExpired as hang:
            output, end = (hang.stdout or b"").decode(errors="replace"), f"still running after {TIMEOUT_S} s"
        done, running, text = {}, None, []
        for line in output.splitlines():
            mark = re.match(r"\[( RUN      |       OK |  FAILED  |  SKIPPED )\] ([^\s,(]+)", line)
            if mark and mark[1].strip() == "RUN":
                running, text = mark[2], []
            elif mark and mark[2] == running:
                done[running] = ({"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[mark[1].strip()], text)
                running = None
            elif running:
                text.append(line)
        if running:
            done[running] = ("failed", text + [end])
        elif not done:
            done[left[0]] = ("failed", [output[-4000:], end])
        results += [(name, outcome, "\n".join(text)) for name, (outcome, text) in done.items()]
        left = [name for name in left if name not in done]
    return results


def gtest(tally, options):
    jobs = []
    for binary in sorted((options.build / "bin").glob("weft_*_tests")):
        try:
            suites = gtest_names(binary)
        except RuntimeError as error:
            tally.add(binary.name, "failed", str(error))
            continue
        # The tests of a suite share what it sets up, so they stay together; a few processes keep all cores busy.
        parts = [[] for _ in range(4 * options.jobs)]
        for suite in suites.values():
            chosen = [n for n in suite if tally.wants(n) and not (options.quick and "slow" in n.lower())
                      and (options.long or not n.startswith("Long"))]
            min(parts, key=len).extend(chosen)
        jobs += [(binary, part) for part in parts if part]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for results in pool.map(lambda job: run_gtest(*job), jobs):
            for result in results:
                tally.add(*result)


# ---- lit --------------------------------------------------------------------------------------------------------------

def lit(tally, options):
    program = next((p for p in options.lit if pathlib.Path(p).exists()), None)
    if not program:
        tally.add("lit", "failed", f"no lit among {', '.join(options.lit)}")
        return
    report = options.build / "tests" / "lit.json"
    report.unlink(missing_ok=True)
    command = [program, "--quiet", "--no-progress-bar", "--allow-empty-runs", "-j", str(options.jobs), "--output", report,
               options.build / "tests"]
    # lit knows the names without the kind: where the kind matches, all of them are wanted.
    command += ["--filter", re.escape(options.filter)] if not tally.wants("") else []
    command += ["--param", "quick=1"] if options.quick else []
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.returncode == 0 and not report.exists():
        return  # the filter left nothing
    if not report.exists():
        tally.add("lit", "failed", process.stdout)
        return
    tests = json.loads(report.read_text())["tests"]
    outcomes = {"PASS": "passed", "FLAKYPASS": "passed", "XFAIL": "passed", "UNSUPPORTED": "skipped", "SKIPPED": "skipped",
                "EXCLUDED": None}
    for test in tests:
        outcome = outcomes.get(test["code"], "failed")
        if outcome:
            text = test["output"]
            missing = re.search(r"unavailable features: (.*)", text)
            tally.add(test["name"].removeprefix("weft :: "), outcome,
                      f"needs {missing[1]}" if outcome == "skipped" and missing else text)


# ---- policy -----------------------------------------------------------------------------------------------------------

def policy(tally, options):
    from policy import tree
    for name, check in tree.checks():
        if not tally.wants(name) or (options.quick and "slow" in name):
            continue
        try:
            problems = list(check(tree.Tree(ROOT, options.build)))
        except tree.Skip as skip:
            tally.add(name, "skipped", str(skip))
            continue
        tally.add(name, "failed" if problems else "passed", "\n".join(f"  {p}" for p in problems))


# ---- the ONNX standard ------------------------------------------------------------------------------------------------

def onnx(tally, options):
    from conformance import cases
    found, problems = cases.listing()
    for name, problem in problems:
        if tally.wants(name):
            tally.add(name, *problem)
    # On Vulkan a sample, with its first cases and its last: every other one takes as long, and has its operator in the sample.
    runs = [(name, "cpu") for name in found]
    if not options.missing_vulkan:
        runs += [(name, "vulkan") for name in found[::8] if name not in cases.inexpressible()]
    chosen = [(name, device) for name, device in runs if tally.wants(f"{name} {device}")]
    folder = options.build / "tests" / "onnx"
    shutil.rmtree(folder, ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        check = lambda run: cases.check(run[0], options.build / "bin" / "weft", folder / run[1] / run[0], run[1])
        for (name, device), result in zip(chosen, pool.map(check, chosen)):
            tally.add(name if device == "cpu" else f"{name} on {device}", *result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the build folder")
    parser.add_argument("--filter", default="", help="only tests whose kind and name contain this, in any case")
    parser.add_argument("--long", action="store_true", help="also the suites named Long: all of the random programs")
    parser.add_argument("--quick", action="store_true", help="leave out tests named Slow or that REQUIRE slow")
    parser.add_argument("--vulkan-coop", action="store_true",
                        help="fetch a Mesa with cooperative matrices into the build folder, for the tests that need them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--lit", nargs="+", default=["/usr/lib/llvm-22/bin/lit", shutil.which("lit-22") or "lit-22"], help="where lit may be")
    options = parser.parse_args()
    options.build = options.build.resolve()

    environment, missing = vulkan.environment(os.environ, options.build / "bin" / "weft", options.build / "tests" / "vulkan-cache")
    os.environ.clear()
    os.environ.update(environment)
    options.missing_vulkan = missing
    if missing:
        print(f"without Vulkan: {missing}", flush=True)
    if options.vulkan_coop:
        try:
            mesa.fetch(options.build / "mesa")
        except mesa.Unavailable as reason:
            print(f"no Mesa with cooperative matrices could be fetched: {reason}", flush=True)
            return 1
    missing = vulkan.matrices(os.environ, options.build)[1]
    if missing:
        print(f"without cooperative matrices: {missing}", flush=True)
    if mesa.is_there(options.build / "mesa"):  # its validator knows them
        os.environ["WEFT_SPIRV_VAL"] = shlex.join(mesa.validator(options.build / "mesa"))

    tallies = []
    for kind in (policy, gtest, lit, onnx):
        tally = Tally(kind.__name__, options.filter)
        kind(tally, options)
        tally.report()
        tallies.append(tally)

    reasons = {}
    for tally in tallies:
        for name, text in tally.skips:
            lines = [l.strip() for l in text.splitlines() if l.strip() and not re.match(r".*: Skipped$", l.strip())]
            reasons.setdefault(lines[-1] if lines else "no reason given", []).append(name)
    for reason, names in sorted(reasons.items()):
        print(f"  skipped, {reason}: {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}")
    failed = [f"{t.kind} {name}" for t in tallies for name in t.failed]
    for name in failed:
        print(f"  failed: {name}")
    passed = sum(t.passed for t in tallies)
    print(f"{passed} passed, {len(failed)} failed, {sum(len(t.skips) for t in tallies)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
