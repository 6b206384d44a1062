#!/usr/bin/env python3
"""How fast is Weft, beside what this machine can do and beside what people would use instead?

`./dev bench [GROUP...]` builds what is needed and runs this. In one run, in turn, with the same inputs and weights and as
many threads: the machine's multiply-adds and its reading of memory, Weft, and each peer that is there. Results are
compared before anything is timed. Figures are medians over rounds; shares and ratios are medians of those of each round.
"""

import argparse
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

import contenders
import devices
import report
import setup
import start
import works
from contenders import Absent
from data import Data, Failure


class Bench:
    def __init__(self, home, options):
        self.home, self.options = home, options
        self.data, self.stable = Data(home), contenders.Stable(home)
        self.absences, self.known_device = {}, None
        self.results = tempfile.TemporaryDirectory(dir=home.folder)  # another run may be going on

    def ready(self, work, threads):
        """(name, contender) of all that can do a work, Weft first, with results that agree."""
        threads = threads if work.device == "cpu" else 1
        spec, parties, wanted = self.data.spec(work, threads), [], None
        for full in work.contenders:
            if self.options.peers is not None and full != "weft" and full.split()[0] not in self.options.peers:
                continue
            name, _, variant = full.partition(" ")
            try:
                contender = self.stable.get(name, threads, variant)
                contender.prepare(spec | {"variant": variant})
                found = pathlib.Path(self.results.name, f"{full.replace(' ', '-')}.bin")
                contender.ask(do="result", file=str(found))
                wanted = wanted or found
                self.compare(work, wanted, found, full, work.tolerance)
                parties.append((full, contender))
            except Absent as absent:
                if full == "weft":
                    raise Failure(str(absent))
                self.say_once(full, str(absent))
        return parties

    def compare(self, work, wanted, found, who, tolerance):
        reply = self.stable.get("machine", 1, "compare").ask(do="compare", wanted=str(wanted), found=str(found))
        # Written so that a NaN is too far off.
        if not reply["difference"] <= tolerance * reply["largest"]:
            raise Absent(f"its result of '{work.name}' is {reply['difference']} off, where the largest number is "
                         f"{reply['largest']}")

    def say_once(self, who, why):
        if (who, why) not in self.absences:
            self.absences[who, why] = True
            print(f"  without {who}: {why}", flush=True)

    def limits(self, work, threads):
        """(name, contender) of the machine's limits that may bind, with what they do in one call."""
        if work.device != "cpu":
            return self.device_limits(work)
        limits = []
        if work.flops:
            peak = self.stable.get("machine", threads, "peak")
            facts = peak.ask(do="prepare", work={"kind": "peak", "type": work.arithmetic, "threads": threads})
            limits.append(("peak", peak, facts["flops"]))
        if work.bytes:
            read = self.stable.get("machine", threads, "read")
            facts = read.ask(do="prepare", work={"kind": "read", "bytes": int(work.bytes), "threads": threads})
            limits.append(("read", read, facts["bytes"]))
        return limits

    def device(self):
        if self.known_device is None:
            self.known_device = devices.Device(self.data, self.options.device)
        return self.known_device

    def device_limits(self, work):
        """The same of a GPU: what our largest product and our copy reach there."""
        limits = []
        for name, limit in self.device().limits(work).items():
            contender = self.stable.get("weft", 1, limit.name)
            if contender.facts is None:
                contender.prepare(self.data.spec(limit, 1))
            limits.append((name, contender, limit.flops or limit.bytes))
        return limits

    def measure(self, work, threads):
        parties = self.ready(work, threads)
        limits = self.limits(work, threads)
        everyone = [(name, contender) for name, contender, _ in limits] + parties
        with contenders.guarded(self.options.guard):
            seconds = work.seconds if self.options.seconds is None else self.options.seconds
            # Threads of the one before may still spin where several are at work.
            times = contenders.alternate(everyone, self.options.rounds or work.rounds, seconds,
                                         pause=0 if threads == 1 or work.device != "cpu" else 0.08)
        rates = {name: [amount / t for t in times[name]] for name, _, amount in limits}
        own = dict(parties)["weft"]
        return report.Result(work, threads, {name: times[name] for name, _ in parties}, rates, own.waited, own.facts)

    def keep(self, result):
        """Prints it, and adds it to the file: what comes after may be interrupted."""
        print(result.text(), flush=True)
        if self.options.json:
            report.write(self.options.json, [result])

    def run(self):
        """How many works were measured."""
        count = 0
        chosen = self.options.groups or list(works.GROUPS) + ["start"]
        for group in chosen:
            if group == "vulkan":
                print(f"\n{self.device().describe()}", end="")
            print(f"\n{report.HEAD}", flush=True)
            for threads in self.options.threads if group != "vulkan" else ["gpu" if self.device().real else "sw"]:
                if group == "start":
                    count += start.measure(self, threads)
                    continue
                for work in self.device().works() if group == "vulkan" else works.GROUPS[group]():
                    if all(word in work.name for word in self.options.only):
                        self.keep(self.measure(work, threads))
                        count += 1
                        if group == "models":
                            self.stable.close(keep=lambda name: name == "machine")
        return count

    def close(self):
        self.stable.close()
        self.results.cleanup()


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP",
                        help=f"{', '.join(works.GROUPS)}, start or vulkan; without any, all but vulkan")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="only works whose names contain it")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, by default 1,2")
    parser.add_argument("--rounds", type=int, help="instead of those of each work")
    parser.add_argument("--seconds", type=float, help="of each contender in a round, instead of those of each work")
    parser.add_argument("--peers", metavar="NAMES", help="only these: onednn,openblas,torch,onnxruntime,openvino")
    parser.add_argument("--json", metavar="FILE", help="add the figures to those in this file")
    parser.add_argument("--table", metavar="FILE", help="print the figures in this file as a table, and measure nothing")
    parser.add_argument("--device", default="vulkan", help="of the group vulkan: vulkan:N, by default the best")
    parser.add_argument("--guard", metavar="COMMAND",
                        help="run while timing: it prints a line when the machine is quiet, and ends with its input")
    parser.add_argument("--setup", action="store_true", help="install all peers: packages of PyPI and of Debian")
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for group in options.groups:
        if group not in works.GROUPS and group not in ("start", "vulkan"):
            parser.error(f"there is no group '{group}'; there are {', '.join(works.GROUPS)}, start and vulkan")
    options.peers = None if options.peers is None else options.peers.split(",")
    options.threads = [int(text) for text in options.threads.split(",")]
    return options


def main():
    options = arguments()
    if options.table:
        print(report.table(options.table))
        return 0
    home = contenders.Home(ROOT, options.build.resolve())
    home.folder.mkdir(parents=True, exist_ok=True)
    if options.setup:
        return setup.run(home)
    bench = Bench(home, options)
    try:
        print(report.machine())
        count = bench.run()
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        bench.close()
    if not count:
        print("error: there is no work whose name contains all of --only", file=sys.stderr)
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
