#!/usr/bin/env python3
"""Many people and groups (lesson 31), names and numbers at the edges: on the demo realm, and with
--keycloak VERSION on a real server, which takes minutes to fill.

Needs no root and no network but the loopback; a real server needs tests/keycloak/node.sh's things.
"""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

TESTS = os.path.join(os.environ.get("srcdir", "."), "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "daemon"), os.path.join(TESTS, "realm"),
                os.path.join(TESTS, "keycloak")]
import demo  # noqa: E402
import facts  # noqa: E402
import fill  # noqa: E402
from lookups import World, until  # noqa: E402

USERS, GROUPS, MEMBERS = 10000, 1000, 10
KEYCLOAK = None
LONG = "found_ttl = 1h\nabsent_ttl = 1h"
SERVE = "serve = /fill /fill/* /linux-users /teams/red/* /teams/blue/* /many/*"


class Keycloak:
    """A real server with as many people; what demo.Demo is else."""

    def __init__(self, version, users, groups, members):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "realm.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(fill.filled(facts.FILE, users, groups, members))
        ports = []
        for _ in range(2):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                ports.append(probe.getsockname()[1])
        self.base = f"http://127.0.0.1:{ports[0]}"
        with open(os.path.join(self.folder.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [os.path.join(TESTS, "keycloak", "node.sh"), "run",
                 os.path.join(self.folder.name, "node"), version, str(ports[0]), str(ports[1]), path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until(self.answers, "no Keycloak", 900)

    def answers(self):
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(self.base + "/realms/linux", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.5)
            return False

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(60)
        self.folder.cleanup()


def many(users, groups, members):
    if KEYCLOAK:
        return Keycloak(KEYCLOAK, users, groups, members)
    return demo.Demo(fill_users=users, fill_groups=groups, fill_members=members)


class Scale(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(LONG, SERVE, started=many(USERS, GROUPS, MEMBERS), wait=False)
        cls.addClassCleanup(cls.world.__exit__)
        began = time.monotonic()
        cls.world.bed.wait_for("directory result=ok")
        print(f"swept in {time.monotonic() - began:.1f} s: {cls.world.bed.lines().splitlines()[-1]}",
              file=sys.stderr)

    def test_all_members_of_a_large_group(self):
        """Lesson 31."""
        members = self.world.members("fill")
        self.assertEqual(len(members), USERS)
        self.assertEqual(set(members), {f"u{number + 1:06}" for number in range(USERS)})

    def test_each_of_many_groups(self):
        for number in (0, 1, GROUPS // 2, GROUPS - 1):
            name = f"fill.g{number + 1:04}"
            self.assertEqual(len(self.world.members(name)), MEMBERS, name)
            self.assertEqual(self.world.members(gid=1900300000 + number), self.world.members(name))

    def test_users_by_name_and_by_number(self):
        for number in (0, 1, USERS - 1):
            user = self.world.user(f"u{number + 1:06}")
            self.assertEqual((user.uid, user.gid, user.home),
                             (1900100000 + number, 1900020000, f"/home/u{number + 1:06}"))
            self.assertEqual(self.world.user(uid=user.uid).name, user.name)
        self.assertEqual(self.world.gids("u000001"), [1900299999, 1900300000])

    def test_one_leaf_name_in_two_places(self):
        self.assertEqual(self.world.members("teams.red.admins"), ["nested"])
        self.assertEqual(self.world.members("teams.blue.admins"), ["nested"])
        self.assertEqual(self.world.user("admins"), "user-unknown")

    def test_a_user_of_sixty_groups(self):
        self.assertEqual(len(self.world.gids("manygroups")), 60)


class Edges(unittest.TestCase):
    """Names and numbers that are not for this host; the realm file has most of them."""

    NUMBERS = {"zero": "0", "low": "1500", "dynamic": "61184", "nobody16": "65534",
               "subuid": "100000", "minus": "-1", "wide": "4294967296", "octal": "01900010150",
               "spaced": " 1900010150", "hex": "0x71404b26", "last": "2147352575",
               "first": "1879048192", "beyond": "2147352576", "before": "1879048191"}
    TAKEN = {"last": 2147352575, "first": 1879048192}

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.__exit__)

    def make(self, name, number, **more):
        self.world.realm.tell("user", create=True, username=name, enabled=True,
                              attributes={"uidNumber": [number], "gidNumber": ["1900020000"]}, **more)

    def test_numbers(self):
        for name, number in self.NUMBERS.items():
            self.make(name, number)
            with self.subTest(name):
                self.assertEqual(self.world.uid(name), self.TAKEN.get(name, "uid-not-usable"))

    def test_names(self):
        self.make("a" * 32, "1900050032")
        self.make("a" * 33, "1900050033")
        self.make("dot.ted", "1900050034")
        self.make("dot.", "1900050035")
        self.make("daemon", "1900050036")
        self.make("linux-users", "1900050037")
        self.assertEqual(self.world.uid("a" * 32), 1900050032)
        self.assertEqual(self.world.uid("dot.ted"), 1900050034)
        self.assertEqual(self.world.uid("jo.doe"), 1900010103)
        for name in ("root", "daemon", "dot.", "-dash", "UPPER", "jürgen", "x y", "a:b",
                     "service-account-like", "service-account-linux-nss"):
            with self.subTest(name):
                self.assertEqual(self.world.user(name), "not-ours")
        self.assertEqual(self.world.user("upper").uid, 1900010106)
        self.assertEqual(self.world.user("linux-users"), "name-taken")

    def test_two_users_of_one_number(self):
        first = self.world.uid("ada")
        self.assertEqual(first, 1900010001)
        self.assertEqual(self.world.user("sameuid"), "id-taken")
        self.assertEqual(self.world.user(uid=first).name, "ada")
        self.assertRegex(self.world.bed.lines(), "binding user=sameuid .*"
                         'advice="give one of the two another in the realm"')

    def test_a_user_made_again_is_another(self):
        self.assertEqual(self.world.uid("keys"), 1900010114)
        self.world.realm.tell("user", username="keys", again=True)
        until(lambda: self.world.user("keys") == "name-taken", lambda: self.world.user("keys"))
        self.assertIsInstance(self.world.user(uid=1900010114), str)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--keycloak"]:
        KEYCLOAK = sys.argv[2]
        del sys.argv[1:3]
        sys.argv.append("Scale")
    unittest.main()
