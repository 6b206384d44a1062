"""Writes inputs for every_other.weft: keys and values that are not seen are infinite or NaN.

usage: infinite_keys.py POSITIONS
       infinite_keys.py --input SIZE...     only x.npy, of these sizes
"""

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
positions, heads, dim = int(sys.argv[1]), 2, 16
shape, row = (1, positions, heads, dim), heads * dim
write("q.npy", "f", shape, numbers(positions * row))
for name, strange in (("k.npy", float("nan")), ("v.npy", float("inf"))):
    rows = [numbers(row) if key % 2 == 0 else [strange] * row for key in range(positions)]
    write(name, "f", shape, sum(rows, []))
