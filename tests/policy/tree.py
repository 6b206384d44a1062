"""What the checks of this folder share: the files of the project, and how the checks themselves are found."""

import importlib
import pathlib
import pkgutil
import subprocess


class Skip(Exception):
    """Raised by a check that cannot run here, with the reason."""


class Tree:
    """The project's own files: what git tracks or would track, else everything outside build folders."""

    def __init__(self, root, build):
        self.root, self.build = pathlib.Path(root), pathlib.Path(build)
        listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                                 capture_output=True, text=True)
        if listing.returncode == 0:
            paths = [pathlib.PurePosixPath(p) for p in listing.stdout.split("\0") if p]
        else:
            paths = [pathlib.PurePosixPath(p.relative_to(root)) for p in sorted(self.root.rglob("*")) if p.is_file()]
        self.paths = sorted({p for p in paths if not p.parts[0].startswith("build") and p.parts[0] != ".git"
                             and (self.root / p).is_file()})

    def files(self, *patterns, under=("",)):
        """Paths whose name matches one of the patterns, below one of the folders."""
        return [p for p in self.paths if any(p.match(pattern) for pattern in patterns or ("*",))
                and any(str(p).startswith(folder) for folder in under)]

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def lines(self, *patterns, under=("",)):
        """(path, number, line) of every text file that matches."""
        for path in self.files(*patterns, under=under):
            data = (self.root / path).read_bytes()
            if b"\0" not in data:
                for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
                    yield path, number, line


def checks():
    """(name, function) of every check, in the order of the modules and of their lines."""
    import policy
    for module in sorted(m.name for m in pkgutil.iter_modules(policy.__path__) if m.name != "tree"):
        functions = [f for n, f in vars(importlib.import_module(f"policy.{module}")).items() if n.startswith("test_")]
        for function in sorted(functions, key=lambda f: f.__code__.co_firstlineno):
            yield f"{module}: {function.__doc__.splitlines()[0]}", function
