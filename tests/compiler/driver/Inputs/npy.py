"""Writes and reads .npy files with the standard library alone.

npy.py write FILE TYPE SHAPE NUMBERS   TYPE is f4, f8, i4 or i8; SHAPE like 2,3; NUMBERS like 1,2.5, or `count` for 0, 1, 2 ...
npy.py print FILE                      type, shape and numbers, on one line
"""

import ast
import math
import struct
import sys

CODES = {"f4": "f", "f8": "d", "i4": "i", "i8": "q"}


def write(path, kind, shape, numbers):
    shape = tuple(int(size) for size in shape.split(","))
    values = range(math.prod(shape)) if numbers == "count" else [float(n) if kind[0] == "f" else int(n) for n in numbers.split(",")]
    header = repr({"descr": "<" + kind, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
        file.write(struct.pack(f"<{len(values)}{CODES[kind]}", *values))


def show(path):
    with open(path, "rb") as file:
        data = file.read()
    end = 10 + struct.unpack_from("<H", data, 8)[0]
    header = ast.literal_eval(data[10:end].decode())
    kind = header["descr"][1:]
    values = struct.unpack_from(f"<{math.prod(header['shape'])}{CODES[kind]}", data, end)
    print(kind, list(header["shape"]), " ".join(f"{value:.6g}" for value in values))


if __name__ == "__main__":
    {"write": write, "print": show}[sys.argv[1]](*sys.argv[2:])
