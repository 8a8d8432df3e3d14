"""A host for tests that kill the daemon or starve it: sockets that outlive every daemon, as systemd
holds them, the folder on /run, a realm, and processes that hold sessions.

Used by test-crashes.py and test-shortage.py, as root. The daemon runs as nobody.
"""
import base64
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request

import wire

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
DAEMON, REALM = os.path.abspath("kclogind"), os.path.abspath("kclogin-realm")
NOBODY = 65534
IN_RANGE = 1900010001
READY = 5.0             # seconds for a start
PASSED = (3, 4)         # descriptors: where systemd puts what it passes
CONFIG = """[realm]
issuer = {issuer}
client_id = linux-pam-public
client_auth = none
allow_http = yes
[access]
allow = any
[limits]
source_failures = 1000
target_failures = 1000
"""


def reserve():
    """Takes the descriptors that the sockets will have, before anything else does."""
    for fd in PASSED:
        os.dup2(os.open("/dev/null", os.O_RDONLY), fd)


def until(condition, otherwise, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise() if callable(otherwise) else otherwise
        time.sleep(0.01)


class Realm:
    """kclogin-realm with these people, each like ada."""

    def __init__(self, folder, people, hash_ms):
        with open(os.path.join(SOURCE, "realm/linux.json"), encoding="utf-8") as file:
            realm = json.load(file)
        ada = next(user for user in realm["users"] if user["username"] == "ada")
        realm["bruteForceProtected"] = False
        realm["users"] = [
            {**ada, "username": name, "email": name + "@example.test"} for name in people]
        path, ready = os.path.join(folder, "realm.json"), os.path.join(folder, "ready")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(realm, file)
        self.password = ada["credentials"][0]["value"]
        self.process = subprocess.Popen(
            [REALM, "--realm", path, "--port", "0", "--ready", ready, "--hash-delay",
             str(hash_ms)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(ready) and os.path.getsize(ready), "no realm")
        with open(ready, encoding="utf-8") as file:
            self.base = file.read().strip()

    def sessions(self):
        """{id: (user, when it began)} of all sessions."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.base + "/_control/counts", timeout=30) as answer:
            found = json.load(answer)["sessions"]
        return {one["id"]: (one["user"], one["started"]) for one in found}

    def control(self, what, document=None):
        request = urllib.request.Request(
            self.base + "/_control/" + what, json.dumps(document or {}).encode(), method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30):
            pass

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Host:
    """The folder on /run, its two sockets, which outlive every daemon, and one daemon after the other."""

    def __init__(self, folder, issuer, program=DAEMON):
        self.program, self.environment = program, {}
        self.folder = folder
        self.run = os.path.join(folder, "run")
        self.sessions = os.path.join(self.run, "sessions")
        os.makedirs(self.sessions)
        for name, owner, mode in ((folder, 0, 0o755), (self.run, 0, 0o755),
                                  (self.sessions, NOBODY, 0o700)):
            os.chown(name, owner, owner)
            os.chmod(name, mode)
        self.write("kclogin.conf", CONFIG.format(issuer=issuer))
        self.write("host.conf", "allow_overlap = yes\n")
        for name, mode, fd in zip(("priv.socket", "socket"), (0o600, 0o666), PASSED):
            self.listen(name, mode, fd)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.run, "notify"))
        os.chmod(os.path.join(self.run, "notify"), 0o666)
        self.log = os.path.join(folder, "log")
        self.starts = []
        self.process = None

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)

    def listen(self, name, mode, passed):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.bind(os.path.join(self.run, name))
        os.chmod(os.path.join(self.run, name), mode)
        listener.listen(256)
        os.dup2(listener.fileno(), passed)
        listener.close()

    def start(self, wait=True, later=0, before=(), stderr=None):
        """A new daemon, `later` seconds in the future of the clock that counts from boot; `before` is a
        program that runs it."""
        words = [self.program, "-c", self.folder + "/kclogin.conf", "-b", self.folder + "/host.conf",
                 "-r", self.run, "-s", self.folder + "/state", "-u", "nobody"]
        words = ["sh", "-c", f'echo $$ >{self.folder}/pid; export LISTEN_PID=$$; exec "$@"', "sh"
                 ] + words
        words = [*before, *words]
        if later:
            words = ["unshare", "--time", "--boottime", str(later), "--monotonic", str(later),
                     "--fork", "--"] + words
        while self.heard():
            pass
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stderr=stderr or log, pass_fds=PASSED,
                env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "priv:public",
                     "NOTIFY_SOCKET": self.run + "/notify", **self.environment})
        if wait:
            self.await_ready()

    def await_ready(self):
        began = time.monotonic()
        self.notify.settimeout(0.2)
        while True:
            assert self.process.poll() is None, f"no start: {self.tail()}"
            assert time.monotonic() - began < READY, f"not ready: {self.tail()}"
            try:
                if b"READY=1" in self.notify.recv(4096):
                    break
            except TimeoutError:
                pass
        self.starts.append(time.monotonic() - began)

    def heard(self):
        """What the daemon has told systemd."""
        self.notify.setblocking(False)
        try:
            return self.notify.recv(4096)
        except BlockingIOError:
            return b""

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        """The process itself may only be the parent of the one that is the daemon."""
        with open(self.folder + "/pid", encoding="utf-8") as file:
            os.kill(int(file.read()), signal.SIGTERM)
        code = self.process.wait(10)
        assert code == 0, f"ended with {code}: {self.tail()}"

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def files(self):
        return set(os.listdir(self.sessions))

    def half_files(self):
        return [name for name in self.files() if name.endswith(".new")]

    def check_files(self):
        """After a kill: whole files under a session's name, and at most one that was being written."""
        half = []
        for name in self.files():
            path = os.path.join(self.sessions, name)
            found = os.lstat(path)
            assert (found.st_uid, found.st_mode) == (NOBODY, 0o100600), f"{name}: {found}"
            if re.fullmatch("[gse]-[0-9a-f]{64}", name):
                with open(path, "rb") as file:
                    check_record(file.read())
            else:
                assert re.fullmatch(r"[gse]-[0-9a-f]{64}\.new", name), name
                half.append(name)
        assert len(half) <= 1, half
        return half

    def log_in(self, user, password):
        """DONE of a login; `who` says who it is to the exchanges that follow."""
        with self.caller() as caller:
            reply = caller.ask(wire.auth(**who(user)))
            return caller.done(wire.answer(password)) if reply.kind == wire.ASK else reply

    def open(self, user, done, holder):
        """The Session that a login becomes."""
        with self.caller() as caller:
            opened = caller.done(wire.open_session(done.key, **who(user)), fds=[holder.pidfd])
        assert opened.word == "ok" and opened.token, opened.word
        return Session(opened.key, opened.token, holder)

    def caller(self):
        return wire.Caller(self.run + "/priv.socket", timeout=40)

    def report(self):
        with self.caller() as caller:
            return caller.done(wire.head(wire.STATUS)).report


def check_record(data):
    """A session file is exactly one record (daemon/session_file.c)."""
    at = 8
    assert data[:4] == b"KCS3", data[:4]
    for kind in "tttttt1t88" + "48t" + "bb":
        if kind in "tb":
            at += 4 + struct.unpack_from(">I", data, at)[0]
        else:
            at += int(kind)
    assert at == len(data), f"{at} of {len(data)} bytes"


def who(user):
    return {"user": user, "uid": IN_RANGE, "service": "sshd", "rhost": "192.0.2.7"}


class Session:
    def __init__(self, handle, token, holder):
        self.handle, self.holder = handle, holder
        body = token.split(b".")[1]
        self.id = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))["sid"]


class Holder:
    """A process that holds a session."""

    def __init__(self):
        self.pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}, file_actions=[
            (os.POSIX_SPAWN_CLOSE, fd) for fd in (0, 1)])
        self.pidfd = os.pidfd_open(self.pid)

    def die(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = 0

    def end(self):
        os.close(self.pidfd)
        if self.pid:
            self.die()
