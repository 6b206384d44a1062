"""Prints the instructions of the SPIR-V in a module's attribute `weft.kernels`, which stdin holds: number and operands, a line
each; those of interest here by name."""

import re
import struct
import sys

NAMES = {5: "OpName", 10: "OpExtension", 17: "OpCapability", 54: "OpFunction", 57: "OpFunctionCall", 71: "OpDecorate", 115: "OpFConvert",
         5293: "OpCooperativeMatrixConvertNV", 5366: "OpCooperativeMatrixReduceNV", 5369: "OpCooperativeMatrixPerElementOpNV"}

text = re.search(r'spirv = "((?:[^"\\]|\\.)*)"', sys.stdin.read())[1]
escaped = re.sub(r"\\([0-9A-F]{2}|\\)", lambda m: "\\" if m[1] == "\\" else chr(int(m[1], 16)), text)
binary = escaped.encode("latin-1")
words = struct.unpack(f"<{len(binary) // 4}I", binary)
print("version", words[1] >> 16, words[1] >> 8 & 255)
at = 5
while at < len(words):
    count, number = words[at] >> 16, words[at] & 0xffff
    operands = words[at + 1:at + count]
    if number in (5, 10):
        operands = operands[:number == 5] + (struct.pack(f"<{count - 1}I", *words[at + 1:at + count])[4 * (number == 5):].split(b"\0")[0].decode(),)
    print(NAMES.get(number, number), *operands)
    at += count
