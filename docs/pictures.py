#!/usr/bin/env python3
"""Draws docs/pictures/NAME.svg for each examples/attention/NAME.weft: what its heads look at, for inputs made here.

pictures.py FOLDER   draws into this folder; `weft` is the one in the PATH. `./dev docs` calls it with docs/pictures.
"""

import math
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
LENGTH = 24
# Whole numbers mean something: lengths, numbers of documents, ends of subtrees, flags.
WHOLE = {
    "length": lambda shape, rng: [17],
    "doc": lambda shape, rng: [0] * 9 + [1] * 5 + [2] * 10,
    "last": lambda shape, rng: [23, 11, 5, 3, 4, 5, 11, 8, 8, 11, 10, 11, 23, 17, 15, 15, 17, 17, 23, 20, 20, 23, 22, 23],
    "m": lambda shape, rng: [int(rng.random() < 0.6) for _ in range(math.prod(shape))],
}


def write(path, kind, shape, numbers):
    header = repr({"descr": kind, "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    code = "f" if kind == "<f4" else "i"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
                     + struct.pack(f"<{len(numbers)}{code}", *numbers))


def inputs_of(example, folder):
    """Makes a file for each input that `--info` names; gives the arguments."""
    info = subprocess.run(["weft", "run", example, "--info"], check=True, capture_output=True, text=True).stdout
    info = info.split("step, after")[0]
    arguments, rng = [], random.Random(example.stem)
    for name, kind, axes in re.findall(r"input +(\w+) (\w+)\[([^\]]*)\]", info):
        sizes = [re.search(r"= (\d+)", axis) for axis in axes.split(", ") if axis]
        shape = [int(size[1]) if size else 1 if axis == "batch" else LENGTH
                 for size, axis in zip(sizes, axes.split(", "))]
        count = math.prod(shape)
        numbers = WHOLE[name](shape, rng) if kind == "i32" else [rng.gauss(0, 1.3) for _ in range(count)]
        write(folder / f"{name}.npy", "<i4" if kind == "i32" else "<f4", shape, numbers)
        arguments.append(f"{name}={folder / name}.npy")
    return arguments


def main():
    out = pathlib.Path(sys.argv[1]).resolve()
    out.mkdir(exist_ok=True)
    os.chdir(ROOT)
    for example in sorted(pathlib.Path("examples/attention").glob("*.weft")):
        with tempfile.TemporaryDirectory() as folder:
            arguments = inputs_of(example, pathlib.Path(folder))
            subprocess.run(["weft", "run", "-q", example, *arguments, "--plot", out / f"{example.stem}.svg"], check=True,
                           stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
