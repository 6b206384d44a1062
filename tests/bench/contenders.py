"""Processes that are measured in turn: the machine, Weft and its peers.

A contender is a name and perhaps a variant ("torch eager"). Which program it is, what it lacks on this machine and how to
get that is here; what it does with a work is its own business.
"""

import contextlib
import json
import os
import shlex
import statistics
import subprocess
import time

SETUP = "./dev bench --setup"


class Absent(Exception):
    """A contender that is not here, or cannot do a work; the text says why, and how to get it where that is known."""


class Home:
    """Where the programs are."""

    def __init__(self, root, build):
        self.root, self.build = root, build
        self.folder = build / "bench"
        self.venv = self.folder / "venv"

    def command(self, name):
        scripts = {"torch": "torch_contender.py", "onnxruntime": "onnxruntime_contender.py",
                   "openvino": "openvino_contender.py"}
        if name in scripts:
            python = self.venv / "bin" / "python"
            packages = list(self.venv.glob(f"lib/python3*/site-packages/{name}"))
            if not python.exists() or not packages:
                raise Absent(f"{name} is not installed; {SETUP} gets it")
            return [str(python), "-B", str(self.root / "tests/bench" / scripts[name])]
        program = self.build / "bin" / f"weft_bench_{name}"
        if not program.exists():
            raise Absent(f"{program.name} was not built" + (
                f", since oneDNN was not there; {SETUP} gets it" if name == "onednn" else ""))
        return [str(program)]


class Contender:
    """One process, for one number of threads."""

    def __init__(self, home, name, threads):
        self.name, self.facts, self.waited = name, None, []
        # Libraries read their number of threads when they are loaded. Weft gets it with each work.
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
                                    "OPENBLAS_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false",
                                    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432",
                                    "TORCHINDUCTOR_CACHE_DIR": str(home.folder / "inductor")}
        log = open(home.folder / f"{name}.log", "a")
        self.process = subprocess.Popen(home.command(name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                        env=environment, text=True, bufsize=1)

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Absent(f"{self.name} ended with exit code {self.process.wait()}; see its .log in the bench folder")
        reply = json.loads(line)
        if "error" in reply:
            raise Absent(f"{self.name}: {reply['error']}")
        return reply

    def prepare(self, work):
        self.facts, self.waited = self.ask(do="prepare", work=work), []

    def seconds(self, limit):
        """The median of calls for about so long; of the machine, whose limit it is, the best."""
        reply = self.ask(do="run", seconds=limit)
        times = reply["seconds"]
        # Where a GPU's clock was asked: what the host waited.
        self.waited += [statistics.median(reply["waited"])] if "waited" in reply else []
        return min(times) if self.name == "machine" else statistics.median(times)

    def close(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait()


class Stable:
    """All contenders that run; each is started when it is first asked for."""

    def __init__(self, home):
        self.home, self.running, self.broken = home, {}, {}

    def get(self, name, threads, purpose=""):
        key = (name, threads, purpose)
        if name in self.broken:
            raise Absent(self.broken[name])
        if key not in self.running:
            try:
                self.running[key] = Contender(self.home, name, threads)
            except Absent as absent:
                self.broken[name] = str(absent)
                raise
        if self.running[key].process.poll() is not None:
            del self.running[key]
            return self.get(name, threads, purpose)
        return self.running[key]

    def close(self, keep=lambda name: False):
        for key in [k for k in self.running if not keep(k[0])]:
            self.running.pop(key).close()


@contextlib.contextmanager
def guarded(command):
    """While a command of the user's keeps the machine quiet: from its first line of output until its input is closed."""
    if not command:
        yield
        return
    process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        process.wait()


def alternate(parties, rounds, seconds, pause):
    """Name -> its seconds in each round. Every round has all of them, forwards and backwards in turn."""
    times = {name: [] for name, _ in parties}
    for number in range(rounds):
        for name, contender in parties if number % 2 == 0 else parties[::-1]:
            time.sleep(pause)
            limit = max(seconds, 0.02) if contender.name == "machine" else seconds
            times[name].append(contender.seconds(limit))
    return times
