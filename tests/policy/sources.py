"""Habits that keep the sources readable."""

import re
import shutil
import subprocess

from policy.tree import Skip

CODE = ("*.cpp", "*.c", "*.h", "*.td", "*.def", "*.py", "*.cmake", "CMakeLists.txt")
PRODUCT = ("compiler/", "dialects/", "runtime/")


def test_length(tree):
    """no file is longer than 800 lines"""
    for path in tree.files(*CODE):
        count = tree.text(path).count("\n")
        if count > 800:
            yield f"{path}: {count} lines"


def test_header(tree):
    """every source begins with a comment that says what it is for"""
    for path in tree.files("*.cpp", "*.c", "*.h", "*.td", "*.def", "*.weft", "*.cmake", under=[*PRODUCT, "cmake/"]):
        if not tree.text(path).lstrip().startswith(("//", "/*", "#")) or tree.text(path).startswith(("#include", "#pragma")):
            yield f"{path}:1: no comment"


def test_unfinished(tree):
    """nothing is left for later"""
    for path, number, line in tree.lines(*CODE, "*.weft", under=PRODUCT):
        word = re.search(r"\b(TODO|FIXME|XXX|HACK)\b|\b(not implemented|unimplemented)\b", line)
        if word:
            yield f"{path}:{number}: {word[0]}"


def test_paths(tree):
    """no file names a path of one machine"""
    for path, number, line in tree.lines():
        found = re.search(r"(?<![\w.])/(work|root|farm|home)/[\w.-]*", line)
        if found:
            yield f"{path}:{number}: {found[0]}"


def test_whitespace(tree):
    """no line ends with a space, no file lacks its last newline"""
    for path, number, line in tree.lines(*CODE, "*.mlir", "*.weft", "*.md", "dev"):
        if line != line.rstrip():
            yield f"{path}:{number}: space at the end"
    for path in tree.files(*CODE, "*.mlir", "*.weft", "*.md", "dev"):
        text = tree.text(path)
        if text and not text.endswith("\n") and "\0" not in text:
            yield f"{path}: no newline at the end"


def test_format(tree):
    """clang-format changes nothing"""
    program = shutil.which("clang-format-22")
    if not program:
        raise Skip("clang-format-22 is not installed")
    files = [str(p) for p in tree.files("*.cpp", "*.c", "*.h", under=[*PRODUCT, "tests/", "examples/"])
             if "Inputs" not in p.parts]
    run = subprocess.run([program, "--dry-run", "--Werror", *files], cwd=tree.root, capture_output=True, text=True)
    for path in sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.MULTILINE))):
        yield f"{path}: run ./dev format"


def test_runtime(tree):
    """the runtime includes nothing of LLVM and nothing of the compiler"""
    for path, number, line in tree.lines("*.c", "*.h", "*.cpp", under=["runtime/"]):
        if re.match(r'\s*#\s*include\s*[<"](mlir|llvm|compiler|dialects)/', line):
            yield f"{path}:{number}: {line.strip()}"


def test_options(tree):
    """command-line options are declared in the driver and in passes only"""
    for path, number, line in tree.lines("*.cpp", "*.h", under=["compiler/", "dialects/"]):
        if "cl::opt<" in line and not str(path).startswith("compiler/driver/"):
            yield f"{path}:{number}: cl::opt"
