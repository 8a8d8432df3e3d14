"""Starts the built kclogin-realm for a test and talks to its control endpoint."""
import http.client
import json
import os
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.parse

import facts

PROGRAM = os.path.abspath(os.environ.get("KCLOGIN_REALM", "kclogin-realm"))


class Demo:
    """A running realm; use it in a with statement."""

    def __init__(self, like=26, tls=False, path="", realm=facts.FILE, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="kclogin-realm.")
        self.ready = os.path.join(self.folder.name, "ready")
        self.log = os.path.join(self.folder.name, "log")
        self.ca = os.path.join(self.folder.name, "ca.pem") if tls else None
        words = ["--realm", realm, "--port", "0", "--ready", self.ready, "--log", self.log,
                 "--like", str(like), "--path", path, "--listen", "localhost"]
        if tls:
            words += ["--tls", "--ca-out", self.ca]
        for name, value in {"hash_delay": 0, **options}.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen([PROGRAM] + words)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("kclogin-realm did not start")
            time.sleep(0.02)
        with open(self.ready) as file:
            self.base = file.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.folder.cleanup()
        if self.status != 0:
            raise RuntimeError("kclogin-realm ended with status %d" % self.status)

    def realm(self, **more):
        return facts.Realm(self.base, ca=self.ca, **more)

    def control(self, method, what, body=None):
        url = urllib.parse.urlsplit(self.base)
        if self.ca:
            connection = http.client.HTTPSConnection(
                url.hostname, url.port, timeout=30,
                context=ssl.create_default_context(cafile=self.ca))
        else:
            connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        try:
            connection.request(method, "/_control/" + what,
                               None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def tell(self, what, **body):
        status, answer = self.control("POST", what, body)
        assert status == 200, (what, body, answer)

    def fault(self, kind, match="token", **more):
        self.tell("fault", fault=kind, match=match, **more)

    def clear(self):
        status, _ = self.control("DELETE", "fault")
        assert status == 200

    def counts(self):
        return self.control("GET", "counts")[1]
