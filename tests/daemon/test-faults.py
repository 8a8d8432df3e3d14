#!/usr/bin/env python3
"""A hostile realm: each fault at each endpoint, the word that it is refused by, and what comes
after it. Lessons 14, 17, 21, 24, 25, 26, 35.

Needs python3; no root, no network. The daemon's own code (try-realms) speaks to the demo realm
through a server that spoils the answers (hostile.py, faults.py). All waits overlap.
"""
import concurrent.futures
import contextlib
import os
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "realm"))
import demo  # noqa: E402
import faults  # noqa: E402
from hostile import Hostile, sleep_until  # noqa: E402
from realms import Realms  # noqa: E402

ADA, NESTED = ("ada", "ada-pass"), ("nested", "nested-pass")
TIMEOUT_MS = 3000    # a login's time here
LATE_MS = 1500       # by which a busy machine may be late
AT_ONCE = 16         # cases that keep the processors busy; those that wait do not count


class Case:
    """One fault at one endpoint, under a host name of its own."""

    def __init__(self, number, name, fault, where, word):
        self.number, self.name, self.fault, self.where, self.word = number, name, fault, where, word
        self.host = f"127.1.{number // 200}.{number % 200 + 1}"
        # the keys are not asked for twice within five seconds
        self.timeout_ms = 8000 if name in faults.UNUSABLE else TIMEOUT_MS

    def expect(self, true, what):
        if not true:
            raise AssertionError(f"{self.name} at {self.where}: {what}")


class Run:
    """All cases against one hostile server and one process with the daemon's code."""

    def __init__(self, hostile, realms):
        self.hostile, self.realms = hostile, realms
        self.busy = threading.Semaphore(AT_ONCE)

    def open(self, case):
        port = self.hostile.port
        self.realms.open(case.number, [
            f"issuer = http://{case.host}:{port}/realms/linux", "allow_http = yes",
            f"connect_to = 127.0.0.1:{port}",
            f"[limits]\ngrant_timeout = {case.timeout_ms // 1000}s"])

    def spoil(self, case):
        self.hostile.faults[case.host, case.where] = case.fault

    def heal(self, case):
        self.hostile.faults.pop((case.host, case.where), None)

    def count(self, case, endpoint):
        return self.hostile.requests[case.host, endpoint]

    def log_in(self, case, who=ADA):
        word, took, detail = self.realms.ask("login", case.number, *who)
        case.expect(took < case.timeout_ms + LATE_MS, f"took {took} ms")
        return word, detail

    def afterwards(self, case):
        """It heals by itself, and the next login is as any other."""
        self.heal(case)
        case.expect(sleep_until(lambda: self.realms.ask("state", case.number)[0] == "ready", 15),
                    "it did not recover")
        # whom a Retry-After holds it holds alone
        who = NESTED if case.name.startswith("429") and case.where == "token" else ADA
        word, detail = self.log_in(case, who)
        case.expect(word == "ok", f"the next login: {word} ({detail})")

    def login_under(self, case):
        self.spoil(case)
        self.open(case)
        word, detail = self.log_in(case)
        case.expect(word == case.word, f"{word} ({detail}), not {case.word}")
        expected = 0 if case.where == "discovery" and word != "ok" else 1
        if case.where != "jwks" or word != "key-unknown":
            expected = expected if word == "ok" or case.where == "token" else 0
        case.expect(self.count(case, "token") == expected, "POSTs of the password: "
                    f"{self.count(case, 'token')}, not {expected}")
        self.afterwards(case)

    def logout_under(self, case):
        """Tried up to three times; where it has no end, the second try finds the realm healed."""
        with self.busy:
            self.open(case)
            word, detail = self.log_in(case)
        case.expect(word == "ok", f"no login: {word} ({detail})")
        self.spoil(case)
        slow = case.name in faults.SLOW
        if slow:
            threading.Timer(3, self.heal, [case]).start()
        word, took, detail = self.realms.ask("logout", case.number)
        expected = "ok" if slow else case.word
        case.expect(word == expected, f"{word} ({detail}), not {expected}")
        case.expect(took < 8000, f"took {took} ms")
        tries = 2 if slow else 1 if word in ("ok", "http-404") else 3
        case.expect(self.count(case, "logout") == tries, f"{self.count(case, 'logout')} tries")
        self.afterwards(case)

    def case(self, case):
        waits = case.where == "logout" or case.name in faults.SLOW | faults.UNUSABLE
        with contextlib.nullcontext() if waits else self.busy:
            (self.logout_under if case.where == "logout" else self.login_under)(case)
            self.realms.close(case.number)
        for endpoint, body in self.hostile.bodies[case.host]:
            case.expect(endpoint == "token" or b"password=" not in body,
                        f"a password at {endpoint}")


def cases():
    """Those that wait longest come first."""
    rows = sorted(faults.TABLE, key=lambda row: row[0] not in faults.SLOW | faults.UNUSABLE)
    flat = [(name, fault, where, word) for name, fault, words in rows
            for where, word in words.items()]
    flat.sort(key=lambda one: one[2] != "logout")
    return [Case(number, *one) for number, one in enumerate(flat)]


class Faults(unittest.TestCase):
    """The whole table."""

    def test_lesson_26_each_fault_has_its_word_and_its_end(self):
        with demo.Demo() as realm:
            # each of these logs in as ada at the same time
            realm.tell("realm", bruteForceProtected=False)
            with Hostile(realm.base) as hostile, Realms() as realms:
                run, all_cases = Run(hostile, realms), cases()
                with concurrent.futures.ThreadPoolExecutor(len(all_cases)) as pool:
                    ends = [pool.submit(run.case, case) for case in all_cases]
                wrong = [str(end.exception()) for end in ends if end.exception()]
                elsewhere = [key for key in hostile.requests if key[0] == faults.ELSEWHERE]
                memory = realms.most_memory()
        self.assertFalse(wrong, f"{len(wrong)} of {len(all_cases)}:\n" + "\n".join(wrong))
        self.assertFalse(elsewhere, "lesson 21: a redirect was followed")
        if not os.environ.get("SANITIZERS"):
            self.assertLess(memory, 40 << 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
