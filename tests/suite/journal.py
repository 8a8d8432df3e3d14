"""The host's system log and the daemon's own lines, kept for the cases to read.

Used by bed.py and the cases. Never drops a line: the last case greps all of them for secrets.
"""

import os
import re
import shlex
import socket
import threading

from outcome import wait_for


class SystemLog:
    """/dev/log of the bed: what PAM modules and host programs log."""

    def __init__(self, path, keep):
        self.lines = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.keep = open(keep, "ab", buffering=0)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        while True:
            data = self.socket.recv(65536)
            self.keep.write(data.rstrip(b"\0\n") + b"\n")
            self.lines.append(data.rstrip(b"\0\n").decode("utf-8", "replace"))

    def mark(self):
        return len(self.lines)

    def since(self, mark, pattern, seconds=5):
        """The first line after the mark that matches."""

        def probe():
            return next((line for line in self.lines[mark:] if re.search(pattern, line)), None)

        return wait_for(
            probe, seconds, lambda: f"no system log line /{pattern}/ in {self.lines[mark:]}"
        )


class LineLog:
    """A file that a program writes lines to."""

    def __init__(self, path):
        self.path = path
        open(path, "ab").close()

    def mark(self):
        return os.path.getsize(self.path)

    def text(self, mark=0):
        with open(self.path, "rb") as file:
            file.seek(mark)
            return file.read().decode("utf-8", "replace")

    def since(self, mark, pattern, seconds=5):
        def probe():
            return next(
                (line for line in self.text(mark).splitlines() if re.search(pattern, line)), None
            )

        return wait_for(probe, seconds, lambda: f"no log line /{pattern}/ in {self.text(mark)!r}")

    def event(self, mark, verb, seconds=5, **fields):
        """The fields of the first line after the mark, `verb name=value ...`, that has these."""

        def probe():
            for line in self.text(mark).splitlines():
                found = parse_event(line)
                if (
                    found
                    and found[0] == verb
                    and all(found[1].get(k) == v for k, v in fields.items())
                ):
                    return found[1]
            return None

        wanted = " ".join(f"{k}={v}" for k, v in fields.items())
        return wait_for(
            probe, seconds, lambda: f"no log line `{verb} {wanted}` in {self.text(mark)!r}"
        )


def parse_event(line):
    """('login', {'user': 'ada', ...}) of a log line; None where it is not one."""
    line = re.sub(r"^<\d>", "", line)
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if not words or "=" in words[0]:
        return None
    fields = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    return words[0].rstrip(":"), fields
