"""A daemon that serves users and groups of a demo realm, asked over its sockets."""
import os
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import bed
import demo
import facts
import wire

CONFIG = """[realm]
issuer = {base}/realms/linux
client_id = linux-pam-public
client_auth = none
allow_http = yes
{realm}
[directory]
client_id = linux-nss
client_auth = basic
client_secret_file = {secret}
{directory}
[groups]
{groups}
[access]
allow = {allow}
"""
SERVE = "serve = /linux-users /linux-admins /engineering/*"
SHORT = "found_ttl = 1s\nabsent_ttl = 1s"


class World:
    """The realm and the daemon; use it in a with statement."""

    def __init__(self, directory=SHORT, groups=SERVE, allow="role:linux-login", realm="", wait=True,
                 file=facts.FILE, started=None, **options):
        self.texts = {"directory": directory, "groups": groups, "allow": allow, "realm": realm}
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.secret = os.path.join(self.folder.name, "secret")
        with open(self.secret, "w", encoding="utf-8") as out:
            out.write("nss-secret-for-tests")
        os.chmod(self.secret, 0o600)
        if bed.ROOT:
            os.chown(self.secret, 65534, 65534)
        self.realm = started or demo.Demo(realm=file, **options)
        try:
            self.bed = bed.Bed(self.configuration())
            if wait:
                self.bed.wait_for("directory result=ok")
        except BaseException:
            self.realm.__exit__()
            raise

    def configuration(self):
        base = self.realm.base if hasattr(self, "realm") else ""
        return CONFIG.format(base=base, secret=self.secret, **self.texts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        code = self.bed.stop()
        self.realm.__exit__()
        self.folder.cleanup()
        assert code == 0, f"the daemon ended with {code}"

    def ask(self, kind, name="", number=0, skip=0):
        with self.bed.priv() as caller:
            return caller.done(wire.lookup(kind, name, number, skip))

    def user(self, name="", uid=0):
        """A user's reply, or the word for there being none."""
        reply = self.ask(wire.USER, name, uid)
        return reply if reply.kind == wire.USER_ENTRY else reply.word

    def uid(self, name):
        found = self.user(name)
        return found if isinstance(found, str) else found.uid

    def gids(self, name):
        reply = self.ask(wire.GIDS, name)
        return sorted(reply.gids) if reply.kind == wire.GIDS_LIST else reply.word

    def members(self, name="", gid=0):
        """All members, page by page, or the word for there being no such group."""
        found = []
        while True:
            reply = self.ask(wire.GROUP, name, gid, len(found))
            if reply.kind != wire.GROUP_ENTRY:
                return reply.word
            found += reply.members
            if len(found) >= reply.total:
                return found

    def requests(self):
        """{endpoint: how many so far}, tokens among them."""
        counts = self.realm.counts()
        return {**counts["requests"], "tokens": counts["tokens"]}

    def process_memory(self):
        """Resident bytes of the daemon."""
        with open(f"/proc/{self.bed.process.pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["VmRSS"].split()[0]) * 1024


def until(condition, otherwise, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, otherwise() if callable(otherwise) else otherwise
        time.sleep(0.02)


def side_by_side(module, at_once=4):
    """Runs the module's tests, a few beside each other: each has a world of its own, and most of
    them wait. The exit code."""
    result = unittest.TestResult()
    lock = threading.Lock()

    def one(test):
        began = time.monotonic()
        seen = unittest.TestResult()
        test(seen)
        with lock:
            result.testsRun += seen.testsRun
            result.failures += seen.failures
            result.errors += seen.errors
            print(f"{test.id()} {time.monotonic() - began:.1f}s", flush=True)

    def tests(suite):
        for item in suite:
            if isinstance(item, unittest.TestSuite):
                yield from tests(item)
            else:
                yield item

    loader = unittest.defaultTestLoader
    suite = (loader.loadTestsFromNames(sys.argv[1:], module) if sys.argv[1:]
             else loader.loadTestsFromModule(module))
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, tests(suite)))
    for test, text in result.failures + result.errors:
        print(f"{test.id()}:\n{text}")
    print(f"{result.testsRun} run, {len(result.failures + result.errors)} failed")
    return 0 if result.testsRun and result.wasSuccessful() else 1
