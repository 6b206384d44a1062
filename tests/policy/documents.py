"""Documentation that cannot rot: its links lead somewhere, its commands run, what is generated is up to date.

In a Markdown file, a block fenced as ```sh run is executed by bash, and a block fenced as ```weft file=NAME is first written
to that file. The blocks of one document run in their order, in a scratch folder that looks like the project's root. So do
the commands after `# Check:` in the comment on top of an example.
"""

import os
import re
import subprocess
import sys
import tempfile

from policy.tree import Skip

FENCE = re.compile(r"^```(\w+) +(run|file=\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_links(tree):
    """every link to a file of the project leads to one"""
    fenced = False
    for path, number, line in tree.lines("*.md"):
        fenced = (number > 1 and fenced) != line.lstrip().startswith("```")
        if fenced:
            continue  # code: brackets before parentheses mean something else there
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
            if not re.match(r"[a-z]+:", target) and not (tree.root / path.parent / target).exists():
                yield f"{path}:{number}: {target}"


def furnish(tree, scratch):
    """Makes a scratch folder look like the project's root."""
    for entry in tree.root.iterdir():
        if entry.name not in ("build", ".git"):
            os.symlink(entry, os.path.join(scratch, entry.name))
    os.symlink(tree.build, os.path.join(scratch, "build"))


def run_commands(tree, text, scratch):
    """What bash says of the commands; nothing where they end well."""
    paths = os.pathsep.join([str(tree.build / "bin"), os.environ["PATH"]])
    run = subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", text], cwd=scratch, timeout=300,
                         env=os.environ | {"PATH": paths}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         errors="replace")
    if run.returncode != 0:
        return f"exit code {run.returncode}\n    " + "\n    ".join(run.stdout.splitlines()[-15:])


def run_blocks(tree, path, scratch):
    """Executes the blocks of one document; yields what went wrong."""
    furnish(tree, scratch)
    text = tree.text(path)
    for block in FENCE.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        if block[2] != "run":
            with open(os.path.join(scratch, block[2].removeprefix("file=")), "w") as out:
                out.write(block[3])
            continue
        problem = run_commands(tree, block[3], scratch)
        if problem:
            yield f"{path}:{line}: {problem}"
            return


def test_commands(tree):
    """every command that a document shows as runnable runs"""
    for path in tree.files("*.md"):
        if FENCE.search(tree.text(path)):
            with tempfile.TemporaryDirectory() as scratch:
                yield from run_blocks(tree, path, scratch)


def test_examples(tree):
    """every example says how it is checked, and the commands run"""
    found = list(tree.files("*.weft", under=["examples/"]))
    if not found:
        yield "no example was found"
    for path in found:
        top = re.match(r"(#.*\n)+", tree.text(path))
        commands = re.findall(r"^# Check: (.*)$", top[0], re.MULTILINE) if top else []
        if not commands:
            yield f"{path}:1: no '# Check: COMMAND' in the comment on top"
            continue
        with tempfile.TemporaryDirectory() as scratch:
            furnish(tree, scratch)
            problem = run_commands(tree, "\n".join(commands), scratch)
        if problem:
            yield f"{path}:1: {problem}"


def test_generated(tree):
    """docs/generated is what the sources make of it"""
    if not (tree.root / "docs/generate.py").exists():
        raise Skip("docs/generate.py is absent")
    run = subprocess.run([sys.executable, "docs/generate.py", "--check", "--build", str(tree.build)], cwd=tree.root,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        yield from run.stdout.splitlines()
