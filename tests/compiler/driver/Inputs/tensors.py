"""tensors.py FILE [OTHER]: the tensors of a .safetensors file, each with its shape, mean and deviation, in the order of their names;
and, with another file, whether the same tensor in it has the same bytes."""

import json
import statistics
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    begin = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:begin])
    return {name: (tensor["shape"], data[begin + tensor["data_offsets"][0]:begin + tensor["data_offsets"][1]])
            for name, tensor in header.items()}


files = [read(path) for path in sys.argv[1:]]
for name, (shape, data) in sorted(files[0].items()):
    values = struct.unpack(f"<{len(data) // 4}f", data)
    line = f"{name} {shape} mean {statistics.fmean(values):.1f} deviation {statistics.pstdev(values):.3g}"
    for other in files[1:]:
        line += " same" if other[name][1] == data else " differs"
    print(line)
