"""Prints what a page of heat maps holds: heat_maps.py FILE [MAP PANEL QUERY]"""
import base64
import json
import re
import struct
import sys

page = open(sys.argv[1], encoding="utf-8").read()
data = json.loads(re.search(r"^const data = (.*);$", page, re.MULTILINE).group(1))
print(data["title"])
for number, map in enumerate(data["maps"]):
    raw = base64.b64decode(map["weights"])
    weights = [n / 65534 for n in struct.unpack(f"<{len(raw) // 2}H", raw)]
    keys, queries = len(map["keys"]), len(map["queries"])
    rows = [weights[i:i + keys] for i in range(0, len(weights), keys)]
    assert len(rows) == queries * len(map["panels"])
    print(map["title"], "|", *map["panels"], "|", *map["queries"], "|", *map["keys"])
    print("  sums", *sorted({f"{sum(row):.3f}" for row in rows}))
    if len(sys.argv) > 2 and number == int(sys.argv[2]):
        print("  row", *(f"{w:.3f}" for w in rows[int(sys.argv[3]) * queries + int(sys.argv[4])]))
