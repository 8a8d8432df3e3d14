"""A terminal for a program that talks to a person.

Used by the drivers of host programs. Every wait has a deadline; the child is ended by its pid.
"""

import errno
import os
import pty
import re
import select
import signal
import time

from outcome import Failed


class Terminal:
    """One child on a pseudo terminal of its own: what it shows, and what a person types."""

    def __init__(self, argv, env=None, uid=None, gid=None, groups=(), cwd="/", timeout=40):
        self.argv = argv
        self.shown = ""
        self.mark = 0
        self.status = None
        self.end = time.monotonic() + timeout
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "TERM": "dumb",
            "LANG": "C.UTF-8",
        }
        environment.update(env or {})
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            self._become(uid, gid, groups, cwd, environment)

    def _become(self, uid, gid, groups, cwd, environment):
        try:
            for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(cwd)
            if uid is not None:
                os.fchown(0, uid, -1)
                os.setgroups(list(groups))
                os.setgid(gid)
                os.setuid(uid)
            os.execvpe(self.argv[0], self.argv, environment)
        except OSError as error:
            os.write(2, f"cannot run {self.argv[0]}: {error}\n".encode())
        os._exit(127)

    def _read(self, seconds):
        """Reads what there is; False at the end of the child's output."""
        ready, _, _ = select.select([self.master], [], [], max(seconds, 0))
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
            return True
        # login hangs its own terminal up and opens it again: the end is the child's end
        if self._reap(os.WNOHANG):
            return False
        time.sleep(0.02)
        return True

    def _reap(self, flags):
        if self.status is None:
            pid, status = os.waitpid(self.pid, flags)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def expect(self, pattern, seconds=20):
        """Waits until the pattern is shown after what was matched last; returns the match."""
        end = min(time.monotonic() + seconds, self.end)
        while True:
            match = re.compile(pattern).search(self.shown, self.mark)
            if match:
                self.mark = match.end()
                return match
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(
                    f"{self.argv[0]} did not show /{pattern}/ but {self.shown[self.mark:]!r}"
                )
            if not self._read(left):
                self._drain()
                match = re.compile(pattern).search(self.shown, self.mark)
                if match:
                    self.mark = match.end()
                    return match
                raise Failed(
                    f"{self.argv[0]} ended ({self.status}) without /{pattern}/: "
                    f"{self.shown[self.mark:]!r}"
                )

    def _drain(self):
        while select.select([self.master], [], [], 0)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")

    def send(self, text, newline=True):
        data = text if isinstance(text, bytes) else text.encode()
        os.write(self.master, data + (b"\n" if newline else b""))

    def echo_off(self, seconds=5):
        """Waits until the terminal does not echo: a password prompt."""
        import termios

        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not termios.tcgetattr(self.master)[3] & termios.ECHO:
                return
            time.sleep(0.01)
        raise Failed(f"{self.argv[0]} echoes what is typed at its prompt")

    def answer(self, pattern, text, seconds=20):
        """Waits for a prompt that does not echo, and types the answer."""
        match = self.expect(pattern, seconds)
        self.echo_off()
        self.send(text)
        return match

    def finish(self, seconds=20):
        """Waits for the child's end; its exit code."""
        end = min(time.monotonic() + seconds, self.end)
        while not self._reap(os.WNOHANG):
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"{self.argv[0]} did not end: {self.shown[self.mark:]!r}")
            self._read(min(left, 0.1))
        self._drain()
        return self.status

    def close(self):
        """Ends the child if it still runs."""
        if self.master is None:
            return
        if not self._reap(os.WNOHANG):
            os.kill(self.pid, signal.SIGKILL)
            self._reap(0)
        os.close(self.master)
        self.master = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
