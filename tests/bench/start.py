"""How long from the start of a process to its first token: an artefact's, and Python's with PyTorch and the same weights.

Until the token can be read: how long a process takes to end is not counted."""

import os
import subprocess
import time

import contenders
import report
import works

SCRIPT = """
import sys; sys.path.insert(0, {folder!r})
import torch, torch_models
torch.set_num_threads({threads})
with torch.no_grad():
    model = torch_models.Gpt2(torch_models.weights({weights!r})).eval()
    print(model(torch.tensor([[{token}]]))[0, -1].argmax().item(), flush=True)
"""


def seconds_to_output(command):
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.read(1)
        first = time.perf_counter() - begin
        process.stdout.read()
    return first


def measure(bench, threads):
    """Measures one work, where it was asked for; how many it was."""
    work = works.Work("start", "gpt2 exec to first token", "examples/gpt2/gpt2.weft", {}, [], ["weft", "torch"],
                      weights=True)
    work.ratio = 20
    if not all(word in work.name for word in bench.options.only):
        return 0
    _, weights = bench.data.compiled(work)
    artefact = bench.home.folder / "gpt2"
    bench.data.run(bench.data.weft, "compile", work.model, "-q", "--weights", weights, "-o", artefact)
    commands = {"weft": [artefact, "--generate", "--tokens", "464", "--length", "1", "--threads", str(threads)]}
    try:
        python = bench.home.command("torch")[0]
        commands["torch"] = [python, "-c", SCRIPT.format(folder=str(bench.home.root / "tests/bench"), threads=threads,
                                                         weights=str(weights), token=464)]
    except contenders.Absent as absent:
        bench.say_once("torch", str(absent))
    tokens = {name: subprocess.run(c, capture_output=True, text=True).stdout.strip() for name, c in commands.items()}
    if len(set(tokens.values())) > 1:
        bench.say_once("torch", f"first tokens differ: {tokens}")
        del commands["torch"]
    os.sync()  # else the system writes the artefact to the disk while it is measured
    times = {name: [] for name in commands}
    with contenders.guarded(bench.options.guard):
        for _ in range(bench.options.rounds or 5):
            for name, command in commands.items():
                times[name].append(seconds_to_output(command))
    bench.keep(report.Result(work, threads, times, {}))
    return 1
