#!/usr/bin/env python3
"""Users and groups of a demo realm as the daemon answers for them: what a lookup costs, whom it does
not serve, how soon what changes in the realm is seen.

Needs no root and no network but the loopback.
"""
import os
import signal
import struct
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

TESTS = os.path.join(os.environ.get("srcdir", "."), "tests")
sys.path[:0] = [TESTS, os.path.join(TESTS, "daemon"), os.path.join(TESTS, "realm")]
import bed  # noqa: E402
import wire  # noqa: E402
from lookups import SERVE, World, until  # noqa: E402

USERS, ADMINS, ENGINEERING, KERNEL = 1900020000, 1900020001, 1900020010, 1900020011
LONG = "found_ttl = 1h\nabsent_ttl = 1h"
VIEW = {"realm-management": ["view-users"]}
QUERY = {"realm-management": ["query-users"]}
SERVICE = "service-account-linux-nss"


def cost(world, run):
    """What the realm was asked for while it ran."""
    before = world.requests()
    run()
    after = world.requests()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


class Cost(unittest.TestCase):
    def test_a_user_and_six_groups_cold_are_two_requests_and_no_grant(self):
        """Lesson 32."""
        groups = "serve = " + " ".join(f"/many/g{i:02}" for i in range(8))
        with World(LONG, groups) as world:
            world.realm.tell("user", create=True, username="six", enabled=True,
                             attributes={"uidNumber": ["1900050001"], "gidNumber": ["1900020000"]},
                             groups=[f"/many/g{i:02}" for i in range(6)])

            def look():
                self.assertEqual(world.uid("six"), 1900050001)
                self.assertEqual(len(world.gids("six")), 6)

            self.assertEqual(cost(world, look), {"admin-users": 1, "admin-user-groups": 1})
            self.assertEqual(cost(world, look), {})

    def test_a_thousand_at_once_are_one_request(self):
        with World(LONG) as world:
            callers = [world.bed.priv() for _ in range(250)]
            seen = []

            def ask(part):
                for caller in part:
                    caller.send(wire.lookup(wire.USER, "jo.doe"))
                seen.extend(caller.receive().uid for caller in part)

            def look():
                for _ in range(4):
                    threads = [threading.Thread(target=ask, args=(callers[i::10],))
                               for i in range(10)]
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()

            try:
                self.assertEqual(cost(world, look), {"admin-users": 1})
                self.assertEqual(seen, [1900010103] * 1000)
            finally:
                for caller in callers:
                    caller.socket.close()

    def test_a_name_that_nobody_has_is_one_request(self):
        with World(LONG) as world:
            def look():
                for _ in range(5):
                    self.assertEqual(world.user("no-such-user"), "user-unknown")
            self.assertEqual(cost(world, look), {"admin-users": 1})

    def test_no_keys_of_somebody_are_one_request(self):
        with World(LONG) as world:
            for name, word in (("frozen", "account-disabled"), ("no-such-user", "user-unknown"),
                               ("noattrs", "no-uid")):
                def look(name=name, word=word):
                    for _ in range(5):
                        self.assertEqual(world.ask(wire.KEYS, name).word, word)
                self.assertEqual(cost(world, look), {"admin-users": 1}, name)

    def test_a_refusal_of_keys_ends(self):
        with World() as world:
            self.assertEqual(world.ask(wire.KEYS, "frozen").word, "account-disabled")
            world.realm.tell("user", username="frozen", enabled=True)
            until(lambda: world.ask(wire.KEYS, "frozen").kind == wire.KEYS_LIST, "refused still", 4)

    def test_users_do_not_wait_for_the_members_of_groups(self):
        with World(LONG, "serve = /fill /linux-users", fill_users=3000, fill_groups=1,
                   wait=False) as world:
            world.bed.wait_for("realm result=ok")
            world.realm.fault("delay", "admin-members", count=-1, delay=300)
            try:
                began = time.monotonic()
                until(lambda: world.uid("jo.doe") == 1900010103, lambda: world.bed.lines())
                self.assertEqual(world.uid("ada"), 1900010001)
                self.assertIn(KERNEL - 11, world.gids("ada"))
                self.assertLess(time.monotonic() - began, 1.5)
                self.assertNotIn("directory result=ok", world.bed.lines())
            finally:
                world.realm.clear()
            until(lambda: len(world.members("fill")) == 3000, lambda: world.bed.lines())


class Change(unittest.TestCase):
    def test_who_left_a_group_is_out_of_it(self):
        with World() as world:
            self.assertIn("grace", world.members("linux-users"))
            self.assertEqual(world.gids("grace"), [USERS])
            world.realm.tell("user", username="grace", leaveGroups=["/linux-users"])
            began = time.monotonic()
            until(lambda: "grace" not in world.members("linux-users") and not world.gids("grace"),
                  "grace is in it still")
            self.assertLess(time.monotonic() - began, 3.0)

    def test_a_deleted_user_is_gone(self):
        with World() as world:
            self.assertEqual(world.uid("keys"), 1900010114)
            self.assertEqual(world.uid("jo.doe"), 1900010103)
            for name in ("keys", "jo.doe"):
                world.realm.control("DELETE", "user", {"username": name})
            began = time.monotonic()
            until(lambda: {world.user("keys"), world.user("jo.doe")} == {"user-unknown"},
                  "there still")
            self.assertLess(time.monotonic() - began, 3.0)
            self.assertNotIn("keys", world.members("linux-users"))
            self.assertNotIsInstance(world.user(uid=1900010114), wire.Reply)

    def test_a_user_who_is_renamed_keeps_the_uid_and_loses_the_old_name(self):
        with World() as world:
            self.assertEqual(world.uid("grace"), 1900010002)
            world.realm.tell("user", username="grace", newUsername="hopper")
            until(lambda: world.uid("hopper") == 1900010002, lambda: world.user("hopper"))
            until(lambda: world.user("grace") == "user-unknown", lambda: world.user("grace"))
            self.assertEqual(world.user(uid=1900010002).name, "hopper")
            until(lambda: "hopper" in world.members("linux-users"), "not a member")
            self.assertNotIn("grace", world.members("linux-users"))
            self.assertEqual(world.gids("hopper"), [USERS])

    def test_a_user_who_loses_the_uid_has_no_entry(self):
        with World() as world:
            self.assertEqual(world.uid("grace"), 1900010002)
            world.realm.tell("user", username="grace", attributes={"uidNumber": None})
            until(lambda: world.user("grace") == "no-uid", lambda: world.user("grace"))
            self.assertNotIn("grace", world.members("linux-users"))

    def test_a_client_that_may_see_nobody_says_nothing_of_unknown_names(self):
        """Lesson 27."""
        with World("found_ttl = 1h\nabsent_ttl = 1s") as world:
            self.assertEqual(world.user("no-such-user"), "user-unknown")
            time.sleep(1.2)  # what is proved holds for absent_ttl
            world.realm.tell("user", username=SERVICE, takeClientRoles=VIEW, giveClientRoles=QUERY)
            self.assertEqual(world.user("jo.doe"), "directory-forbidden")
            self.assertEqual(world.user("nobody-at-all"), "directory-forbidden")
            with world.bed.priv() as caller:  # an inquiry: for the account phase, for SSH keys
                self.assertEqual(
                    caller.done(wire.lookup(wire.KEYS, "nobody-else")).word, "directory-forbidden")
            self.assertEqual(world.uid("ada"), 1900010001)
            self.assertIn("reason=directory-forbidden", world.bed.lines())
            world.realm.tell("user", username=SERVICE, giveClientRoles=VIEW, takeClientRoles=QUERY)
            until(lambda: world.uid("jo.doe") == 1900010103, lambda: world.bed.lines())


class Sleep(unittest.TestCase):
    def test_after_a_sleep_everybody_is_asked_for_anew(self):
        with tempfile.NamedTemporaryFile() as asleep:
            os.chmod(asleep.name, 0o644)
            with mock.patch.object(bed, "DAEMON", os.path.abspath("tests/daemon/kclogind-asleep")), \
                    mock.patch.dict(os.environ, KCLOGIN_TEST_ASLEEP=asleep.name), World(LONG) as world:
                def look():
                    self.assertEqual(world.uid("jo.doe"), 1900010103)

                def sweep():
                    before = world.requests()["admin-members"]
                    world.bed.process.send_signal(signal.SIGHUP)
                    until(lambda: world.requests()["admin-members"] > before, "no sweep")

                self.assertEqual(cost(world, look), {"admin-users": 1})
                sweep()
                self.assertEqual(cost(world, look), {})
                asleep.write(bytes(3600))
                asleep.flush()
                sweep()
                self.assertEqual(cost(world, look).get("admin-user"), 1)
                self.assertIn("directory result=stale reason=slept", world.bed.lines())
                self.assertEqual(cost(world, look), {})


    def test_what_was_slept_is_no_grace(self):
        """A user and a group whose time is long over are not served, though the host slept it away."""
        with tempfile.NamedTemporaryFile() as asleep:
            os.chmod(asleep.name, 0o644)
            with mock.patch.object(bed, "DAEMON", os.path.abspath("tests/daemon/kclogind-asleep")), \
                    mock.patch.dict(os.environ, KCLOGIN_TEST_ASLEEP=asleep.name), \
                    World(LONG + "\nmax_stale = 2h\ngroup_max_stale = 2h") as world:
                def sleep(hours):
                    before = world.bed.lines().count("reason=slept")
                    asleep.write(bytes(hours * 3600))
                    asleep.flush()
                    world.bed.process.send_signal(signal.SIGHUP)
                    world.bed.wait_for("reason=slept", before + 1)

                self.assertIn("ada", world.members("linux-users"))
                world.realm.fault("status", "admin", count=-1, status=500)
                sleep(2)
                self.assertEqual(world.uid("ada"), 1900010001)
                self.assertIn("ada", world.members("linux-users"))
                sleep(2)
                self.assertNotEqual(world.uid("ada"), 1900010001)
                self.assertIsInstance(world.members("linux-users"), str)
                world.realm.clear()
                until(lambda: world.uid("ada") == 1900010001, lambda: world.bed.lines())


class Upkeep(unittest.TestCase):
    NAMES = {"jo.doe": 1900010103, "manygroups": 1900010112, "nodefaults": 1900010123}

    def test_who_was_asked_for_lately_does_not_get_stale(self):
        """In batches, and one by one where the realm takes one id at a time."""
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(self.go_through, (26, 24), ("admin-users", "admin-user")):
                pass

    def go_through(self, like, endpoint):
        with World("found_ttl = 3s\nabsent_ttl = 1h", like=like) as world:
            def look():
                for name, uid in self.NAMES.items():
                    self.assertEqual(world.uid(name), uid)

            look()
            before = world.requests()
            time.sleep(6)
            after = world.requests()
            self.assertGreaterEqual(after[endpoint] - before.get(endpoint, 0), 2)
            seen = cost(world, look)
            self.assertLessEqual(seen.get("admin-user", 0), 0 if like == 26 else 1)
            # who is gone is not kept
            world.realm.control("DELETE", "user", {"username": "jo.doe"})
            until(lambda: world.user("jo.doe") == "user-unknown", lambda: world.user("jo.doe"))
            self.assertEqual(world.uid("nodefaults"), self.NAMES["nodefaults"])


class Shape(unittest.TestCase):
    def test_parents(self):
        """A member of a group is one of the served groups above it, served itself or not."""
        for like in (26, 24):
            groups = "serve = /engineering /teams\nparents = yes"
            with self.subTest(like=like), World(groups=groups, like=like) as world:
                self.assertIn("ada", world.members("engineering"))
                self.assertEqual(world.gids("ada"), [ENGINEERING])
                self.assertEqual(world.members("teams"), ["nested"])
                self.assertEqual(world.user("engineering.kernel"), "user-unknown")
                # by look-up alone, before any sweep has seen it
                world.realm.tell("user", username="jo.doe", joinGroups=["/teams/red/admins"])
                until(lambda: world.gids("jo.doe") == [1900020100], lambda: world.gids("jo.doe"))
            groups = "serve = /engineering /engineering/* /teams"
            with self.subTest(like=like), World(groups=groups, like=like) as world:
                self.assertEqual(world.members("engineering"), [])
                self.assertEqual(world.members("engineering.kernel"), ["ada"])
                self.assertEqual(world.gids("ada"), [KERNEL])
                self.assertEqual(world.members("teams"), [])

    def test_no_members(self):
        """Groups without members; whoever may log in is known all the same."""
        groups = "serve = /linux-users /linux-admins\nmembers = no"
        with World(groups=groups, allow="group:/engineering/kernel") as world:
            self.assertEqual(world.members("linux-users"), [])
            self.assertEqual(world.gids("grace"), [USERS])
            self.assertEqual(world.gids("ada"), [USERS, ADMINS])
            self.assertNotIn("admin-members", cost(world, lambda: world.uid("grace")))
        with World(LONG, groups, allow="group:/engineering/kernel") as world:
            self.assertEqual(world.user(uid=1900010001).name, "ada")
            self.assertEqual(world.user(uid=1900010002), "not-ready")

    def test_enumerate(self):
        for enumerate_all, known in (("yes", "jo.doe"), ("no", None)):
            text = f"{LONG}\nenumerate = {enumerate_all}"
            with self.subTest(enumerate_all), World(text, fill_users=450, fill_groups=1,
                                                    fill_members=3) as world:
                found = world.user(uid=1900010103)
                self.assertEqual(None if found == "not-ready" else found.name, known)
                found = world.user(uid=1900100449)
                self.assertEqual(None if found == "not-ready" else found.name,
                                 known and "u000450")
                self.assertEqual(world.user("service-account-like"), "not-ours")

    def test_large_pages_are_halved(self):
        """A page of people with megabytes of attributes is read in parts."""
        with World("found_ttl = 1h\nabsent_ttl = 1h") as world:
            for i in range(60):
                world.realm.tell("user", create=True, username=f"big{i}", enabled=True,
                                 groups=["/linux-admins"],
                                 attributes={"uidNumber": [str(1900060000 + i)],
                                             "gidNumber": [str(USERS)],
                                             "blob": ["x" * 90000]})
            world.bed.process.send_signal(signal.SIGHUP)
            until(lambda: len(world.members("linux-admins")) == 61, lambda: world.bed.lines())
            self.assertEqual(world.gids("big59"), [ADMINS])


FAULTS = [
    ("status", {"status": 500}),
    ("status", {"status": 403}),
    ("status", {"status": 503}),
    ("status", {"status": 404, "body": '{"error":"no"}', "type": "application/json"}),
    ("status", {"status": 401, "body": "{}", "type": "application/json"}),
    ("status", {"status": 200, "body": "[]", "type": "application/json"}),
    ("status", {"status": 200, "body": "{}", "type": "application/json"}),
    ("status", {"status": 200, "body": "[{}]", "type": "application/json"}),
    ("status", {"status": 200, "body": '[{"id":"1","username":"ada","enabled":1}]',
                "type": "application/json"}),
    ("status", {"status": 200, "body": "<html></html>", "type": "text/html"}),
    ("garbage", {}), ("empty", {}), ("endless-body", {}), ("endless-headers", {}),
    ("oversize", {"size": 5 << 20}), ("hang", {}), ("cut", {}), ("half", {}), ("redirect", {}),
]


class Gateway(unittest.TestCase):
    """What stands before the realm, and what is not the realm's own answer."""

    KONG = {"status": 404, "body": '{"message":"no Route matched with those values"}',
            "type": "application/json; charset=utf-8"}

    @staticmethod
    def sweep(world, endpoint):
        before = world.requests().get(endpoint, 0)
        world.bed.process.send_signal(signal.SIGHUP)
        until(lambda: world.requests().get(endpoint, 0) > before, "no sweep")

    def test_a_gateway_s_404_is_nobody_s_absence(self):
        with ThreadPoolExecutor(3) as pool:
            for _ in pool.map(self.go_through, ("admin-members", "admin-group", "admin-user")):
                pass

    def go_through(self, endpoint):
        with World() as world:
            members = world.members("linux-users")
            world.realm.fault("status", endpoint, count=-1, **self.KONG)
            if endpoint == "admin-user":
                time.sleep(1.2)
                self.assertEqual(world.uid("jo.doe"), 1900010103)
                until(lambda: world.requests().get(endpoint, 0) > 1 or
                      world.uid("jo.doe") != 1900010103, "not asked for")
                self.assertEqual(world.uid("jo.doe"), 1900010103)
            else:
                world.bed.wait_for("reason=http-404")
            self.assertEqual(world.members("linux-users"), members)
            self.assertEqual(world.uid("ada"), 1900010001)
            world.realm.clear()

    def test_a_sweep_that_missed_a_group_proves_sight_once_more(self):
        with World(LONG, SERVE + " /no-such-group") as world:
            members = world.members("linux-users")
            before = world.requests()["admin-users"]
            self.sweep(world, "admin-members")
            until(lambda: world.requests()["admin-users"] == before + 2, lambda: world.requests())
            world.realm.fault("delay", "admin-members", count=-1, delay=700)
            self.sweep(world, "admin-members")
            world.realm.tell("user", username="grace", leaveGroups=["/linux-users"])
            world.realm.fault("status", "admin-users", count=-1, status=200, body="[]",
                              type="application/json")
            world.bed.wait_for("reason=directory-forbidden")
            self.assertEqual(world.members("linux-users"), members)


class Share(unittest.TestCase):
    def test_a_slow_directory_leaves_connections_to_logins(self):
        with World("found_ttl = 1h\nabsent_ttl = 1h\n[limits]\nlookup_timeout = 2s") as world:
            world.realm.fault("hang", "admin-users", count=-1)
            callers = [world.bed.priv() for _ in range(40)]
            try:
                for i, caller in enumerate(callers):
                    caller.send(wire.lookup(wire.USER, f"nobody{i}"))
                time.sleep(0.3)
                self.assertLessEqual(world.realm.counts()["requests"]["admin-users"], 20)
                began = time.monotonic()
                with world.bed.priv() as caller:
                    caller.ask(wire.auth(user="ada", uid=1900010001, service="sshd",
                                         rhost="192.0.2.7"))
                    self.assertEqual(caller.done(wire.answer("ada-pass")).word, "ok")
                self.assertLess(time.monotonic() - began, 1.5)
            finally:
                world.realm.clear()
                for caller in callers:
                    caller.socket.close()
            until(lambda: world.uid("jo.doe") == 1900010103, lambda: world.bed.lines(), 20)


class Arena(unittest.TestCase):
    def test_who_is_asked_for_and_is_as_before_makes_no_new_arena(self):
        with World(LONG) as world:
            def generation():
                with open(world.bed.file("run/snapshot/users.v1"), "rb") as file:
                    return struct.unpack_from("=I", file.read(128), 64)[0]

            def keys(name):
                with world.bed.priv() as caller:
                    caller.send(wire.lookup(wire.KEYS, name))
                    self.assertTrue(caller.socket.recv(65536))

            *people, last = world.members("linux-users")
            time.sleep(2.5)
            before = generation()
            self.assertEqual(cost(world, lambda: [keys(name) for name in people]),
                             {"admin-users": len(people)})
            time.sleep(2.5)
            self.assertEqual(generation(), before)
            world.realm.tell("user", username=last, attributes={"loginShell": ["/bin/sh"]})
            keys(last)
            until(lambda: generation() != before, "no new arena")


class Faults(unittest.TestCase):
    def test_nothing_that_the_realm_answers_makes_somebody_else_of_anybody(self):
        """Whatever comes: who is known stays who it was, and nobody is said not to exist."""
        with ThreadPoolExecutor(4) as pool:
            for fault, seen in zip(FAULTS, pool.map(self.go_through, FAULTS)):
                with self.subTest(fault=fault):
                    self.assertEqual(seen, [])

    @staticmethod
    def go_through(fault):
        """What went wrong."""
        kind, more = fault
        wrong = []

        def check(what, seen, expected):
            if seen != expected:
                wrong.append((what, seen))

        with World("found_ttl = 1s\nabsent_ttl = 1s\n[limits]\nlookup_timeout = 1s") as world:
            members = world.members("linux-users")
            known = {name: (world.uid(name), world.gids(name)) for name in ("ada", "grace")}
            world.realm.fault(kind, "admin", count=-1, **more)
            time.sleep(1.3)
            for name, (uid, gids) in known.items():
                for ask, expected in ((world.uid, uid), (world.gids, gids)):
                    began = time.monotonic()
                    check(name, ask(name), expected)
                    if time.monotonic() - began > 3:
                        wrong.append("slow")
            check("members", world.members("linux-users"), members)
            check("by id", getattr(world.user(uid=1900010001), "name", None), "ada")
            if world.user("no-such-user") == "user-unknown":
                wrong.append("no-such-user is said not to exist")
            if wrong:
                wrong.append(world.bed.lines())
            world.realm.clear()
        return wrong

    def test_a_token_that_is_refused_is_fetched_once_more(self):
        with World(LONG) as world:
            time.sleep(1.1)
            world.realm.fault("status", "admin-users", status=401, count=1)
            seen = cost(world, lambda: self.assertEqual(world.uid("jo.doe"), 1900010103))
            self.assertEqual((seen["admin-users"], seen["tokens"]), (2, 1))


if __name__ == "__main__":
    unittest.main()
