"""Arrays of numbers in files: .npy, as the cases hold them and `weft run` reads and writes them, and .safetensors."""

import ast
import json
import math
import struct

# NumPy's names of types, as struct's letters.
LETTERS = {"<f2": "e", "<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q", "|b1": "?"}


class Array:
    """A dense row-major array: the numbers, flat."""

    def __init__(self, dtype, shape, values):
        self.dtype, self.shape, self.values = dtype, tuple(shape), list(values)
        assert len(self.values) == math.prod(self.shape), (self.shape, len(self.values))

    def reshaped(self, shape):
        return Array(self.dtype, shape, self.values)

    def converted(self, dtype):
        convert = float if "f" in dtype else int
        return Array(dtype, self.shape, map(convert, self.values))

    def bytes(self):
        return struct.pack(f"<{len(self.values)}{LETTERS[self.dtype]}", *self.values)


def read(path):
    data = path.read_bytes()
    if data[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError(f"{path} is no .npy file of version 1.0")
    begin = 10 + struct.unpack_from("<H", data, 8)[0]
    header = ast.literal_eval(data[10:begin].decode("latin-1"))
    if header["fortran_order"] or header["descr"] not in LETTERS:
        raise ValueError(f"{path}: {header}")
    count = math.prod(header["shape"])
    values = struct.unpack_from(f"<{count}{LETTERS[header['descr']]}", data, begin)
    return Array(header["descr"], header["shape"], values)


def write(path, array):
    shape = "(" + "".join(f"{size}, " for size in array.shape) + ")"
    header = f"{{'descr': '{array.dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.bytes())


def write_safetensors(path, arrays):
    """A checkpoint of f32 weights, by name."""
    header, data = {}, b""
    for name, array in arrays.items():
        bytes = array.converted("<f4").bytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(bytes)]}
        data += bytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
