"""Nothing in the dialects is without a test: ops, passes and the front end's errors."""

import re


def ops(tree):
    """(mnemonic, text of its definition) of every op."""
    for td in tree.files("*Ops.td", under=["dialects/"]):
        text = tree.text(td)
        dialect = td.parts[-3].lower()
        starts = list(re.finditer(r'^def \w+ *:\s*\w+<(?:\w+_Dialect,\s*)?"([a-z_0-9.]+)"', text, re.MULTILINE))
        for start, end in zip(starts, [s.start() for s in starts[1:]] + [len(text)]):
            yield f"{dialect}.{start[1]}", text[start.start():end]


def passes(tree):
    """The flag of every pass."""
    for td in tree.files("*Passes.td", under=["dialects/"]):
        yield from re.findall(r':\s*Pass<"([a-z0-9-]+)"', tree.text(td))


def tested(tree, op, suffix=""):
    """Whether a test under tests/dialects, called after the op (or after its dialect, where that is small), names it."""
    dialect, name = op.split(".")
    stems = {stem + suffix for stem in (name, name.replace("_", "-"), dialect)}
    return any(path.stem in stems and op in tree.text(path) for path in tree.files("*.mlir", under=["tests/dialects/"]))


def test_ops(tree):
    """every op has a test <op>.mlir"""
    found = list(ops(tree))
    if not found:
        yield "no op was found under dialects/: is the pattern of this check out of date?"
    for op, _ in found:
        if not tested(tree, op):
            yield f"{op}: no tests/dialects/**/{op.split('.')[1]}.mlir that names it"


def test_invalid_ops(tree):
    """every op with constraints has a test <op>-invalid.mlir"""
    for op, definition in ops(tree):
        constrained = "C1." in definition or "common" in definition
        if constrained and not tested(tree, op, "-invalid"):
            yield f"{op}: no tests/dialects/**/{op.split('.')[1]}-invalid.mlir that names it"


def test_passes(tree):
    """every pass has a test whose RUN line names its flag"""
    runs = [line for _, _, line in tree.lines("*.mlir", under=["tests/"]) if "RUN:" in line]
    found = list(passes(tree))
    if not found:
        yield "no pass was found under dialects/: is the pattern of this check out of date?"
    for flag in found:
        if not any(re.search(rf"-{flag}(?![\w-])|\b{flag}\b[{{(,)]", run) for run in runs):
            yield f"{flag}: no RUN line under tests/ names it"


def test_invalid_ops_are_run(tree):
    """every -invalid.mlir verifies its diagnostics"""
    for path in tree.files("*-invalid.mlir", "*-errors.mlir", under=["tests/"]):
        if "verify-diagnostics" not in tree.text(path) and "FileCheck" not in tree.text(path):
            yield f"{path}: neither -verify-diagnostics nor FileCheck looks at what it prints"


def test_diagnostics(tree):
    """every error id of the front end is documented, and a test expects it"""
    ids = re.findall(r"^DIAG\((W\d+)", tree.text("compiler/frontend/Diagnostics.def"), re.MULTILINE)
    page = tree.text("docs/errors.md") if (tree.root / "docs/errors.md").exists() else ""
    tests = "\n".join(tree.text(p) for p in tree.files("*.weft", "*.cpp", under=["tests/"]))
    if not ids:
        yield "no id was found in compiler/frontend/Diagnostics.def"
    for number in ids:
        if not re.search(rf"^#+ .*\b{number}\b", page, re.MULTILINE):
            yield f"{number}: no heading in docs/errors.md"
        if number not in tests:
            yield f"{number}: no test expects it"
    for number in re.findall(r"^#+ .*\b(W\d{3})\b", page, re.MULTILINE):
        if number not in ids:
            yield f"docs/errors.md explains {number}, which compiler/frontend/Diagnostics.def does not have"
