"""interrupt.py ends|goes-on SIGNAL FOLDER COMMAND...: what does a signal leave behind?

Sends the signal as soon as the command has made something in the folder, which is also its TMPDIR. `ends`: the command has to end
by this signal and to leave the folder empty; one that was faster than the signal is run again, a few times. `goes-on`: the command
was begun with this signal ignored, as a shell does in the background, and has to succeed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time


def cpu_ticks(pid):
    """How long a process has computed, in hundredths of a second."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def run(number, action, folder, command):
    """The exit code, and what is in the folder then."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    process = subprocess.Popen(command, env=dict(os.environ, TMPDIR=folder), preexec_fn=lambda: signal.signal(number, action))
    while not os.listdir(folder) and process.poll() is None:
        time.sleep(0.001)
    # LLVM remembers a temporary for removal just after it has made it; let it come that far, however busy the machine is.
    begin, deadline = cpu_ticks(process.pid), time.monotonic() + 1
    while process.poll() is None and cpu_ticks(process.pid) < begin + 3 and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(number)
    return process.wait(), os.listdir(folder)


mode, number, folder, command = sys.argv[1], getattr(signal, sys.argv[2]), sys.argv[3], sys.argv[4:]
action, wanted = (signal.SIG_IGN, 0) if mode == "goes-on" else (signal.SIG_DFL, -number)
for attempt in range(5):
    code, left = run(number, action, folder, command)
    if code != 0 or mode == "goes-on":
        break
if code != wanted or (mode == "ends" and left):
    sys.exit(f"interrupt.py: ended with {code} instead of {wanted}; the folder holds {left}")
