"""interrupt.py SIGNAL FOLDER COMMAND...: what does a signal leave behind?

Sends the signal as soon as the command has made something in the folder (which is also its TMPDIR), and fails unless the command
ends by this signal and the folder is then empty. A command that was faster than the signal is run again, a few times.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

number, folder, command = getattr(signal, sys.argv[1]), sys.argv[2], sys.argv[3:]
for attempt in range(5):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    process = subprocess.Popen(command, env=dict(os.environ, TMPDIR=folder))
    while not os.listdir(folder) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(number)
    code = process.wait()
    if code == 0:
        continue
    left = os.listdir(folder)
    if code != -number or left:
        sys.exit(f"interrupt.py: ended with {code} instead of {-number}; it left {left}")
    sys.exit(0)
sys.exit("interrupt.py: the command always ended before the signal came")
