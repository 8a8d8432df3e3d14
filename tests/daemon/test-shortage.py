#!/usr/bin/env python3
"""A host that runs out: of room on /run, descriptors, memory, readers of the log (lesson 29).

Every login then ends in time with a word that is true; nobody gets in who should not, nothing stays at
the realm, and it heals. Runs the built kclogind against the built kclogin-realm. Needs root: in a mount
namespace of its own.
"""
import contextlib
import os
import select
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
sys.path[:0] = [os.path.join(SOURCE, "tests"), os.path.join(SOURCE, "tests/daemon")]
import host  # noqa: E402
import wire  # noqa: E402
from host import until  # noqa: E402

HASH_MS = 150   # long enough that two logins at once need two connections
INSIDE = "KCLOGIN_SHORTAGE_INSIDE"
UNTRUE = {"ok", "bad-credentials", "unreachable", "user-unknown", "protocol-error"}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Shortage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.realm_folder = tempfile.TemporaryDirectory()
        cls.realm = host.Realm(cls.realm_folder.name, ["ada", "grace"], HASH_MS)

    @classmethod
    def tearDownClass(cls):
        cls.realm.stop()
        cls.realm_folder.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.holders = []
        self.host = host.Host(os.path.join(self.folder.name, "host"),
                              self.realm.base + "/realms/linux")
        self.addCleanup(self.end)
        self.realm.control("reset")

    def end(self):
        if self.host.process and self.host.process.poll() is None:
            self.host.stop()
        for holder in self.holders:
            holder.end()

    def start(self, **options):
        self.host.start(**options)
        until(lambda: "realm: reachable" in self.host.report(), "realm not ready")
        return self.host.process.pid

    def holder(self):
        self.holders.append(host.Holder())
        return self.holders[-1]

    def log_in(self, user="ada", password=None):
        return self.host.log_in(user, password or self.realm.password)

    def enter(self):
        """A login that has become a session."""
        return self.host.open("ada", self.log_in(), self.holder())

    def leave(self, session):
        with self.host.caller() as caller:
            self.assertEqual(caller.done(wire.close_session(session.handle)).word, "ok")
        until(lambda: session.id not in self.realm.sessions(), "the session stays at the realm")

    def heals(self):
        until(lambda: self.log_in().word == "ok", lambda: "no login:\n" + self.host.tail())

    @contextlib.contextmanager
    def sessions_on(self, options):
        """The folder of sessions on a small filesystem of its own."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,uid={host.NOBODY},{options}",
                        "tmpfs", self.host.sessions], check=True)
        try:
            yield
        finally:
            self.host.stop()
            subprocess.run(["umount", self.host.sessions], check=True)

    def run_is_full(self, options, fill):
        with self.sessions_on(options):
            self.start()
            session = self.enter()
            waiting = self.log_in()
            neighbours = fill()
            done = self.log_in()
            self.assertEqual((done.cls, done.word, done.key), ("unavailable", "no-room", b""))
            self.assertEqual(self.log_in(password="wrong").word, "bad-credentials")
            # what was refused for want of room is no session at the realm
            until(lambda: len(self.realm.sessions()) == 2, lambda: self.realm.sessions())
            # nor is a grant that cannot become a session
            with self.host.caller() as caller:
                opened = caller.done(wire.open_session(waiting.key, **host.who("ada")),
                                     fds=[session.holder.pidfd])
            self.assertEqual((opened.word, opened.token), ("no-room", b""))
            until(lambda: set(self.realm.sessions()) == {session.id},
                  lambda: self.realm.sessions())
            self.leave(session)
            for path in neighbours:
                os.unlink(path)
            self.assertEqual(self.log_in().word, "ok")
            self.assertEqual(self.host.half_files(), [])

    def test_run_is_full(self):
        def fill():
            path = os.path.join(self.host.sessions, ".neighbour")
            with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            return [path]
        self.run_is_full("size=128k", fill)

    def test_no_inode_is_left(self):
        def fill():
            paths = []
            with contextlib.suppress(OSError):
                while True:
                    path = os.path.join(self.host.sessions, f".neighbour{len(paths)}")
                    open(path, "wb").close()
                    paths.append(path)
            os.unlink(path) if os.path.exists(path) and path not in paths else None
            return paths
        self.run_is_full("nr_inodes=64", fill)

    def test_a_full_disk_under_the_log(self):
        with open("/dev/full", "wb", buffering=0) as full:
            self.start(stderr=full)
        self.assertEqual(self.log_in().word, "ok")

    def test_nobody_reads_the_log(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, b"x" * 65536)
        os.set_blocking(write, True)
        self.start(stderr=write)
        os.close(write)
        began = time.monotonic()
        self.assertEqual(self.log_in().word, "ok")
        self.assertLess(time.monotonic() - began, 2)
        while select.select([read], [], [], 0)[0]:
            self.assertEqual(os.read(read, 65536).strip(b"x"), b"")
        self.assertEqual(self.log_in(password="wrong").word, "bad-credentials")
        text = os.read(read, 65536).decode()
        self.assertRegex(text, r"^log lost=[0-9]+\nlogin user=ada ")
        os.close(read)

    def test_no_descriptor_for_the_realm(self):
        base = descriptors(self.start())
        self.host.kill()
        words, served = [], 0
        for files in range(base, base + 6):
            self.host.start(before=["prlimit", f"--nofile={files}:{files}"], wait=False)
            until(lambda: b"READY=1" in self.host.heard() or self.host.process.poll() is not None,
                  "neither ready nor ended")
            if self.host.process.poll() is not None:
                continue
            served += 1
            with contextlib.ExitStack() as callers, contextlib.suppress(OSError):
                two = [callers.enter_context(self.host.caller()) for _ in range(2)]
                for caller, user in zip(two, ("ada", "grace")):
                    caller.socket.settimeout(1)     # who is not accepted
                    reply = caller.ask(wire.auth(**host.who(user)))
                    while reply and reply.kind == wire.SHOW:
                        reply = caller.receive()
                    if reply and reply.kind == wire.ASK:
                        caller.send(wire.answer("wrong"))
                    elif reply:
                        words.append(reply.word)
                for caller in two:
                    caller.socket.settimeout(8)
                    reply = caller.receive()
                    while reply and reply.kind == wire.SHOW:
                        reply = caller.receive()
                    words.append(reply.word if reply else "gone")
            self.host.kill()
        self.assertGreater(served, 2)
        self.assertIn("no-room", words)
        # a listed account's local password must not count for this
        self.assertFalse(set(words) & (UNTRUE - {"bad-credentials"}), words)
        self.start()
        self.heals()

    def test_no_descriptor_at_a_restart(self):
        self.start()
        session, other = self.enter(), self.enter()
        self.host.kill()
        other.holder.die()
        # the loop and what it needs at the least; no pidfd of a session
        for files in range(12, 40):
            self.host.start(before=["prlimit", f"--nofile={files}:{files}"], wait=False)
            try:
                self.host.await_ready()
            except AssertionError:
                continue
            time.sleep(0.05)
            self.assertIn(session.id, self.realm.sessions(), f"{files} descriptors")
            self.host.kill()
        self.start()
        until(lambda: other.id not in self.realm.sessions(), "the ended one stays")
        self.leave(session)

    def test_no_memory(self):
        with open(f"/proc/{self.start()}/statm", encoding="ascii") as file:
            size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        if size > 1 << 40:
            self.skipTest("a sanitizer takes all addresses there are")
        self.assertEqual(self.log_in().word, "ok")
        session = self.enter()
        self.host.kill()
        words, started = set(), 0
        for room in range(-8 << 20, 2 << 20, 1 << 20):
            self.host.start(before=["prlimit", f"--as={size + room}"], wait=False)
            until(lambda: b"READY=1" in self.host.heard() or self.host.process.poll() is not None,
                  "neither ready nor ended")
            if self.host.process.poll() is None:
                started += 1
                words |= self.crowd()
            # 127: the libraries did not fit
            self.assertIn(self.host.process.poll(), (None, 1, 127), f"{room}: {self.host.tail()}")
            self.assertIn(session.id, self.realm.sessions())
            if self.host.process.poll() is None:
                self.host.kill()
        self.assertGreater(started, 1)
        self.assertFalse(words & UNTRUE, words)
        self.start()
        self.heals()
        self.leave(session)

    def crowd(self):
        """Logins that are begun and not ended take up what memory there is; what they are told."""
        words, held = set(), []
        for _ in range(30):
            caller = self.host.caller()
            held.append(caller)
            reply = caller.ask(wire.auth(**host.who("ada")))
            words.add(reply.word if reply and reply.kind == wire.DONE else "asked or gone")
        for caller in held[:4]:
            began = time.monotonic()
            done = caller.done(wire.answer("wrong"))
            words.add(done.word if done and done.word != "bad-credentials" else "right or gone")
            self.assertLess(time.monotonic() - began, 5)
        for caller in held:
            caller.socket.close()
        return words

    def test_proc_hides_processes(self):
        hidden = ["unshare", "--mount", "sh", "-c",
                  'mount -t proc -o hidepid=invisible proc /proc && exec "$@"', "sh"]
        self.start(before=hidden)
        self.assertIn("/proc hides other users' processes", self.host.tail())
        dies, stays = self.enter(), self.enter()
        dies.holder.die()
        until(lambda: dies.id not in self.realm.sessions(), "the session stays at the realm")
        self.assertIn(stays.id, self.realm.sessions())
        self.host.kill()
        # nobody can say that the process is the same: it ends, as the log has said
        self.start(before=hidden)
        until(lambda: stays.id not in self.realm.sessions(), "the session stays at the realm")

    def test_a_restart_between_two_phases(self):
        self.start()
        done = self.log_in()
        self.host.kill()
        self.realm.control("fault", {"fault": "delay", "match": "certs", "delay": 1000})
        self.host.start()
        with self.host.caller() as caller:
            self.assertEqual(caller.done(wire.account(done.key, **host.who("ada"))).word, "ok")
        # nobody waits for keys that do not come
        self.host.kill()
        self.realm.control("fault", {"fault": "delay", "match": "certs", "delay": 20000})
        self.host.start()
        began = time.monotonic()
        with self.host.caller() as caller:
            reply = caller.done(wire.account(done.key, **host.who("ada")))
        self.assertEqual(reply.cls, "unavailable", reply.word)
        self.assertLess(time.monotonic() - began, 5)
        with self.host.caller() as caller:
            caller.send(wire.account(done.key, **host.who("ada")))
        time.sleep(0.1)     # hung up on while it waits
        self.assertIn("realm: not ready", self.host.report())


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("SKIP: needs root")
        sys.exit(77)
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              *sys.argv])
    host.reserve()
    unittest.main()
