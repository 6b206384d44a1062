"""Copies a checkpoint of f32 and makes one number of its tensor w.weight infinite, or what is given.

usage: infinite.py FROM.safetensors TO.safetensors [NUMBER]
"""

import json
import pathlib
import struct
import sys

data = bytearray(pathlib.Path(sys.argv[1]).read_bytes())
length = struct.unpack("<Q", data[:8])[0]
tensor = json.loads(data[8:8 + length])["w.weight"]
assert tensor["dtype"] == "F32", tensor
begin = 8 + length + tensor["data_offsets"][0] + 4 * (3 * tensor["shape"][1] + 7)
data[begin:begin + 4] = struct.pack("<f", float(sys.argv[3] if len(sys.argv) > 3 else "inf"))
pathlib.Path(sys.argv[2]).write_bytes(data)
