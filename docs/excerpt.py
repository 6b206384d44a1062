#!/usr/bin/env python3
"""Cuts IR down to what a page can show. Reads MLIR from stdin.

  excerpt.py                    the whole module
  excerpt.py FUNCTION           one function
  excerpt.py FUNCTION --outline its loops and branches; what stands between them is counted

In all cases the attributes that describe a model's outside are left out, and so are constants; where a list or a type is
long, an ellipsis stands for the rest of it.
"""

import argparse
import collections
import re
import sys

WIDTH = 118
# The operations that an outline tells apart: what the machine computes and what it loads and stores.
WORK = re.compile(r"\b(?:vector|math|llvm\.intr)\.\w+|\barith\.\w+f\b|\bmemref\.(?:load|store|copy|alloca)\b|\bfunc\.call\b|\bcall @\w+")


def function(lines, name):
    """The lines of one function, from its head to its closing brace."""
    head = re.compile(rf"^(\s*)(?:func|llvm)\.func\b.*@{re.escape(name)}\(")
    begin = next((i for i, line in enumerate(lines) if head.match(line)), None)
    if begin is None:
        sys.exit(f"excerpt.py: there is no function @{name}")
    indent = head.match(lines[begin])[1]
    end = next(i for i in range(begin, len(lines)) if lines[i] == indent + "}")
    return [line.removeprefix(indent) for line in lines[begin:end + 1]]


def shorten(line):
    line = re.sub(r"(?: attributes)? \{(?:weft|llvm)\.[^{}]*\}", "", line)
    line = re.sub(r"^module attributes \{weft.*\} \{$", "module {", line)
    # The sums of a loop: how many of which type.
    sums = re.search(r" iter_args\(.*\) -> \((.*)\) \{$", line)
    if sums and sums[1].count(",") > 2:
        types = collections.Counter(re.findall(r"[\w.]+(?:<[^<>]*>)?", sums[1]))
        line = line[:sums.start()] + " iter_args(" + ", ".join(f"{n} x {kind}" for kind, n in types.items()) + ") {"
    return line if len(line) <= WIDTH else line[:WIDTH - 2].rstrip() + " …"


def outline(lines):
    """Loops and branches stay; a stretch between them becomes a comment that counts its work."""
    work, indent = collections.Counter(), ""
    for line in lines[1:-1]:
        text = line.strip()
        opens, closes = text.endswith("{"), text.startswith("}")
        if not opens and not closes:
            if found := WORK.search(text):
                work[found[0]] += 1
                indent = indent or line[:len(line) - len(line.lstrip())]
            continue
        if work:
            yield indent + "// " + ", ".join(f"{n} {name}" for name, n in work.most_common())
        work.clear()
        indent = ""
        yield line
    if work:
        yield indent + "// " + ", ".join(f"{n} {name}" for name, n in work.most_common())


def without_empty(lines):
    """Drops regions that an outline left nothing in."""
    kept = []
    for line in lines:
        if line.strip() == "}" and kept and kept[-1].endswith("{") and not kept[-1].strip().startswith("}"):
            kept.pop()
        else:
            kept.append(line)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("function", nargs="?")
    parser.add_argument("--outline", action="store_true")
    options = parser.parse_args()
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if options.function:
        lines = function(lines, options.function)
    if options.outline:
        lines = [lines[0], *without_empty(outline(lines)), lines[-1]]
    for line in lines:
        if not re.search(r"= (?:arith|llvm\.mlir)\.constant", line):
            print(shorten(line))


if __name__ == "__main__":
    main()
