"""What was measured, as text and as JSON."""

import datetime
import json
import pathlib
import statistics

HEAD = (f"{'work':34} {'thr':>3} {'ms':>10} {'limit ms':>9} {'share':>6} {'bar':>5}  "
        f"how many times as long each peer takes (bar)")


class Result:
    """Times of all parties and rates of the machine, round by round."""

    def __init__(self, work, threads, times, rates, waited=(), facts=None):
        self.work, self.threads = work, threads
        # Of a GPU: what its host waited for a call, and how many kernels that was.
        self.call = {"call_ms": 1e3 * statistics.median(waited), "launches": facts["launches"]} if waited else {}
        ours = times["weft"]
        self.ms = {name: 1e3 * statistics.median(t) for name, t in times.items()}
        self.ratios = {name: statistics.median(a / b for a, b in zip(t, ours)) for name, t in times.items() if name != "weft"}
        self.rates = {name: statistics.median(values) for name, values in rates.items()}
        amounts = {"peak": work.flops, "read": work.bytes}
        limits = [max(values) for values in zip(*[[amounts[name] / r for r in values] for name, values in rates.items()])]
        self.limit = statistics.median(limits) if limits else None
        self.share = statistics.median(l / t for l, t in zip(limits, ours)) if limits else None

    def text(self):
        return line(self.json())

    def json(self):
        return {"group": self.work.group, "work": self.work.name, "threads": self.threads, "ms": self.ms,
                "limit_ms": None if self.limit is None else 1e3 * self.limit, "share": self.share,
                "share_bar": self.work.share, "ratios": self.ratios, "ratio_bar": self.work.ratio,
                "gflops": self.rates.get("peak", 0) / 1e9, "gbytes": self.rates.get("read", 0) / 1e9} | self.call | (
                    {"flops": self.work.flops, "bytes": self.work.bytes} if self.call else {})


def line(r):
    def percent(x):
        return "" if x is None else f"{100 * x:.0f} %"
    missed = ["share"] if r["share_bar"] and r["share"] is not None and r["share"] < r["share_bar"] else []
    if r["ratio_bar"]:
        missed += [name for name, ratio in r["ratios"].items() if ratio < r["ratio_bar"]]
    limit = "" if r["limit_ms"] is None else f"{r['limit_ms']:.3f}"
    bar = f" ({r['ratio_bar']:g})" if r["ratio_bar"] and r["ratios"] else ""
    peers = ", ".join(f"{name} {ratio:.2f}" for name, ratio in r["ratios"].items())
    return (f"{r['work']:34} {r['threads']:>3} {r['ms']['weft']:10.3f} {limit:>9} {percent(r['share']):>6} "
            f"{percent(r['share_bar']):>5}  {peers}{bar}{called(r)}{'  missed: ' + ', '.join(missed) if missed else ''}")


def called(r):
    """Of a GPU's kernels: how many there are, what they reach, and what a call takes on the host."""
    if "call_ms" not in r:
        return ""
    rates = [f"{amount / r['ms']['weft'] / 1e6:.1f} {unit}" for unit, amount in (("GFLOP/s", r["flops"]), ("GB/s", r["bytes"]))
             if amount]
    return f"  {', '.join(rates)}; {r['launches']} kernels in a call of {r['call_ms']:.3f} ms"


def machine():
    with open("/proc/cpuinfo") as file:
        lines = [text.split(":", 1) for text in file if ":" in text]
    facts = {key.strip(): value.strip() for key, value in lines}
    cores = sum(key.strip() == "processor" for key, _ in lines)
    wide = [name for name in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile") if name in facts.get("flags", "")]
    return (f"{facts.get('model name', 'unknown CPU')} (family {facts.get('cpu family')}, model {facts.get('model')}), "
            f"{cores} CPUs, {facts.get('cache size', '?')} of L2; {' '.join(wide)}; {datetime.date.today()}")


def write(path, results):
    """Into a file with what it held before, where that is not of the same work and threads."""
    path, now = pathlib.Path(path), [r.json() if hasattr(r, "json") else r for r in results]
    known = json.loads(path.read_text())["results"] if path.exists() else []
    new = {(r["work"], r["threads"]) for r in now}
    kept = [r for r in known if (r["work"], r["threads"]) not in new]
    lines = ",\n  ".join(json.dumps(rounded(r)) for r in kept + now)
    path.write_text(f'{{"machine": {json.dumps(machine())},\n "results": [\n  {lines}]}}\n')


def rounded(value):
    """Numbers with the digits that mean something."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(path):
    data = json.loads(pathlib.Path(path).read_text())
    groups = list(dict.fromkeys(r["group"] for r in data["results"]))
    parts = [data["machine"]]
    for group in groups:
        parts += ["", HEAD] + [line(r) for r in data["results"] if r["group"] == group]
    return "\n".join(parts)
