"""Writes inputs for every_other.weft: keys and values that are not seen are infinite or NaN.

usage: infinite_keys.py POSITIONS
       infinite_keys.py --input SIZE...     only x.npy, of these sizes
       infinite_keys.py --seen POSITIONS    values that are seen are infinite or NaN, too, in the first elements
       infinite_keys.py --check FILE POSITIONS   whether a result of the latter shows them, and nothing else
"""

import math
import pathlib
import random
import struct
import sys


def write(name, kind, shape, values):
    header = f"{{'descr': '<{kind}4', 'fortran_order': False, 'shape': {tuple(shape)}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    pathlib.Path(name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
                                   + struct.pack(f"<{len(values)}{'i' if kind == 'i' else 'f'}", *values))


def numbers(count):
    return [random.gauss(0, 1) for _ in range(count)]


random.seed(1)
if sys.argv[1] == "--input":
    shape = [int(size) for size in sys.argv[2:]]
    count = 1
    for size in shape:
        count *= size
    write("x.npy", "f", shape, numbers(count))
    sys.exit()
positions, heads, dim = int(sys.argv[-1]), 2, 16
if sys.argv[1] == "--check":
    data = pathlib.Path(sys.argv[2]).read_bytes()
    count = positions * heads * dim
    found = struct.unpack(f"<{count}f", data[-4 * count:])
    shown = [lambda x: x == math.inf, lambda x: x == -math.inf, math.isnan, math.isnan]
    for i, x in enumerate(found):
        if not (shown[i % dim] if i % dim < len(shown) else math.isfinite)(x):
            sys.exit(f"element {i % dim} of row {i // dim} is {x}")
    sys.exit()
shape, row = (1, positions, heads, dim), heads * dim
write("q.npy", "f", shape, numbers(positions * row))
for name, strange in (("k.npy", float("nan")), ("v.npy", float("inf"))):
    rows = [numbers(row) if key % 2 == 0 else [strange] * row for key in range(positions)]
    if name == "v.npy" and sys.argv[1] == "--seen":  # elements 0 to 3 of each head: +inf, -inf, NaN, both infinities
        for at in range(0, row, dim):
            rows[4][at] = rows[4][at + 3] = math.inf
            rows[6][at + 1] = rows[6][at + 3] = -math.inf
            rows[8][at + 2] = math.nan
    write(name, "f", shape, sum(rows, []))
