"""Starts the built kclogind for a test, without systemd, as whoever runs the test.

As root it drops to nobody. Everything lies in a folder of its own; the log is a file there.
"""
import os
import signal
import subprocess
import tempfile
import time

import wire

ROOT = os.geteuid() == 0
DAEMON = os.path.abspath("kclogind")


class Bed:
    def __init__(self, config, bounds="allow_overlap = yes\n"):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        os.chmod(self.path, 0o755)
        self.write("kclogin.conf", config)
        self.write("host.conf", bounds)
        self.log = open(self.file("log"), "a", encoding="utf-8")
        self.start()

    def start(self):
        """A daemon; the log goes on where the last one ended."""
        began = self.lines().count("start version=")
        self.process = subprocess.Popen(
            [DAEMON, "-c", self.file("kclogin.conf"), "-b", self.file("host.conf"),
             "-r", self.file("run"), "-s", self.file("state"), "-u", "nobody"],
            stderr=self.log, stdin=subprocess.DEVNULL)
        self.wait_for("start version=", began + 1)

    def end(self, how=signal.SIGTERM):
        """The daemon ends; the folder stays."""
        self.process.send_signal(how)
        return self.process.wait(10)

    def file(self, name):
        return os.path.join(self.path, name)

    def write(self, name, content):
        with open(self.file(name), "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(self.file(name), 0o644)

    def lines(self):
        with open(self.file("log"), encoding="utf-8") as file:
            return file.read()

    def wait_for(self, text, times=1):
        end = time.monotonic() + 60
        while self.lines().count(text) < times:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"no {text!r} in the log:\n{self.lines()}")
            time.sleep(0.02)

    def priv(self):
        return wire.Caller(self.file("run/priv.socket"))

    def public(self):
        return wire.Caller(self.file("run/socket"))

    def stop(self):
        code = self.end()
        self.log.close()
        self.folder.cleanup()
        return code
