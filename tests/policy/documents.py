"""Documentation that cannot rot: its links lead somewhere, its commands run, what is generated is up to date.

In a Markdown file, a block fenced as ```sh run is executed by bash, and a block fenced as ```weft file=NAME is first written
to that file. The blocks of one document run in their order, in a scratch folder that looks like the project's root. So do
the commands after `# Check:` in the comment on top of an example.
"""

import concurrent.futures
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


def run_commands(tree, text, scratch, **variables):
    """What bash says of the commands; nothing where they end well."""
    paths = os.pathsep.join([str(tree.build / "bin"), os.environ["PATH"]])
    run = subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", text], cwd=scratch, timeout=300,
                         env=os.environ | {"PATH": paths} | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
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


def example_commands(tree):
    """(path, commands) of every example: how it is checked."""
    for path in tree.files("*.weft", under=["examples/"]):
        top = re.match(r"(#.*\n)+", tree.text(path))
        yield path, re.findall(r"^# Check: (.*)$", top[0], re.MULTILINE) if top else []


def check_example(tree, commands, **variables):
    with tempfile.TemporaryDirectory() as scratch:
        furnish(tree, scratch)
        return run_commands(tree, "\n".join(commands), scratch, **variables)


def test_examples(tree):
    """every example says how it is checked, and the commands run"""
    found = list(example_commands(tree))
    if not found:
        yield "no example was found"
    for path, commands in found:
        if not commands:
            yield f"{path}:1: no '# Check: COMMAND' in the comment on top"
            continue
        problem = check_example(tree, commands)
        if problem:
            yield f"{path}:1: {problem}"


def test_examples_on_vulkan(tree):
    """every example agrees with float64 on a Vulkan device, with kernels between barriers in reverse order (slow)

    With synchronisation validation, any message of which fails a call. It knows of copies and fills, but not of memory
    that shaders reach by address: a barrier that is missing between two kernels shows in the numbers, since the later
    kernel then runs first."""
    if os.environ.get("WEFT_VULKAN_VALIDATION") != "1":
        raise Skip("no Vulkan device with a validation layer")

    def check(example):
        path, commands = example
        verified = [re.sub(r"^weft verify ", "weft verify --device vulkan ", command) for command in commands]
        if verified == commands:
            return f"{path}:1: none of its commands is weft verify"
        problem = check_example(tree, verified, WEFT_VULKAN_VALIDATION="sync", WEFT_VULKAN_ORDER="reverse")
        return f"{path}:1: {problem}" if problem else None

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(check, list(example_commands(tree))))


def test_generated(tree):
    """docs/generated is what the sources make of it"""
    if not (tree.root / "docs/generate.py").exists():
        raise Skip("docs/generate.py is absent")
    run = subprocess.run([sys.executable, "docs/generate.py", "--check", "--build", str(tree.build)], cwd=tree.root,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        yield from run.stdout.splitlines()
