"""The harness itself: a test that fails, crashes or skips is counted as what it is."""

import importlib.util
import os
import pathlib
import tempfile

# Stands in for a GoogleTest program: one test passes, one fails, one skips, one crashes the process, one comes after it.
PROGRAM = """#!/bin/sh
case "$*" in
  *--gtest_list_tests*) printf 'A.\\n  passes\\n  fails\\nB/C.\\n  skips/0  # GetParam() = 1\\n  crashes\\n  after\\n'; exit 0 ;;
esac
filter=":${2#--gtest_filter=}:"
run() { case "$filter" in *":$1:"*) printf '[ RUN      ] %s\\n%s\\n[%s] %s\\n' "$1" "$2" "$3" "$1$4 (0 ms)" ;; esac; }
run A.passes '' '       OK '
run A.fails 'x.cpp:1: Failure' '  FAILED  '
run B/C.skips/0 'no device' '  SKIPPED ' ', where GetParam() = 1'
case "$filter" in *:B/C.crashes:*) echo '[ RUN      ] B/C.crashes'; kill -SEGV $$ ;; esac
run B/C.after '' '       OK '
"""


def test_gtest(tree):
    """failures, skips and crashes of GoogleTest programs are seen"""
    spec = importlib.util.spec_from_file_location("run", tree.root / "tests/tools/run.py")
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "weft_fake_tests")
        program.write_text(PROGRAM)
        os.chmod(program, 0o755)
        suites = run.gtest_names(program)
        results = {name: outcome for name, outcome, _ in run.run_gtest(program, [n for s in suites.values() for n in s])}
    expected = {"A.passes": "passed", "A.fails": "failed", "B/C.skips/0": "skipped", "B/C.crashes": "failed",
                "B/C.after": "passed"}
    if results != expected:
        yield f"expected {expected}, got {results}"
