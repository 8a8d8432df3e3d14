"""The daemon and pamtester under valgrind's memcheck (run.py --valgrind).

Used by whoever starts them. Never lets a finding pass: what valgrind wrote is read at the end.
"""

import os
import re

from bed import ROOT

FOLDER = f"{ROOT}/valgrind"
CLEAN = re.compile(r"^==\d+== ERROR SUMMARY: 0 errors", re.MULTILINE)
SUMMARY = re.compile(r"^==\d+== ERROR SUMMARY: ", re.MULTILINE)

# No setuid program: valgrind runs none. sshd's child lives in a seccomp filter, which kills it.
# And valgrind 3.19 knows no pidfd_open: a session opened under it has no token.
PROGRAMS = ("kclogind", "pamtester")
running = False


def start():
    """From here on, until the run's end."""
    global running
    running = True
    os.makedirs(FOLDER, exist_ok=True)
    os.chmod(FOLDER, 0o1777)


def wrap(argv):
    """The command line, under valgrind where that is wanted and this program can be."""
    name = os.path.basename(argv[0])
    if not running or name not in PROGRAMS:
        return argv
    return [
        "valgrind",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
        "--num-callers=30",
        "--child-silent-after-fork=yes",
        f"--log-file={FOLDER}/{name}.%p",
        *argv,
    ]


def findings():
    """What valgrind wrote of each process in which it found something; and how many it saw."""
    seen, found = 0, []
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8", errors="replace") as file:
            text = file.read()
        seen += 1
        # one that was killed has no summary, and no error unless it says so
        if not CLEAN.search(text) and (SUMMARY.search(text) or " at 0x" in text):
            found.append(f"{name}:\n{text}")
    return seen, found
