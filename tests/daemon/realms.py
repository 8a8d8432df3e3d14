"""Many realms as the daemon's own code has them, in one process: try-realms, asked by name.

Used by the tests of faults. Any thread may ask; each place is asked by one at a time.
"""
import os
import queue
import subprocess
import tempfile
import threading

PROGRAM = os.path.abspath("tests/daemon/try-realms")
SECRET = "pam-secret-for-tests"


class Realms:
    """Use it in a with statement."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="kclogin-realms.")
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.told, self.lock = {}, threading.Lock()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        status = self.process.wait(30)
        self.reader.join(30)
        self.process.stdout.close()
        self.folder.cleanup()
        if status != 0:
            raise RuntimeError(f"try-realms ended with {status}")

    def _write(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def _place(self, what, number):
        with self.lock:
            return self.told.setdefault((what, number), queue.Queue())

    def _read(self):
        for line in self.process.stdout:
            what, number, *rest = line.rstrip("\n").split(" ", 2)
            self._place(what, int(number)).put(rest[0] if rest else "")

    def tell(self, what, number, *more):
        with self.lock:
            self.process.stdin.write(" ".join([what, str(number), *more]) + "\n")
            self.process.stdin.flush()

    def hear(self, what, number):
        """What came of it: word, milliseconds, detail of a login or log-out."""
        words = self._place(what, number).get(timeout=60).split(" ", 2)
        if what in ("login", "logout"):
            return words[0], int(words[1]), words[2] if len(words) > 2 else ""
        return words

    def ask(self, what, number, *more):
        self.tell(what, number, *more)
        return self.hear(what, number)

    def open(self, number, lines, client="linux-pam", secret=SECRET):
        """`lines` of [realm], and of other sections behind them."""
        secret = self._write(f"{number}.secret", secret)
        path = self._write(f"{number}.conf", "\n".join([
            "[access]", "allow = any", "[realm]", f"client_id = {client}", "client_auth = post",
            f"client_secret_file = {secret}", *lines, ""]))
        self.ask("open", number, path)

    def close(self, number):
        self.ask("close", number)

    def most_memory(self):
        """Its largest resident size so far, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
