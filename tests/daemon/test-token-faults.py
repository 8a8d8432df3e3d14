#!/usr/bin/env python3
"""Tokens, clocks and keys of a realm that went wrong: the word, that no session stays behind, and
that keys are not asked for without end. Lessons 12, 13, 15, 16, 17.

Needs python3; no root, no network. Each scenario has a demo realm of its own; their waits overlap.
"""
import concurrent.futures
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "realm"))
import demo  # noqa: E402
from hostile import sleep_until  # noqa: E402
from realms import Realms  # noqa: E402

MINUTES = 60
USERS = ("ada", "nested", "nomail", "keys", "noattrs", "sameuid", "norole", "jo.doe")
KEYS_PAUSE = 5  # seconds between two requests for the keys
ES256 = {"client": "linux-pam-es256", "secret": "es256-secret"}  # whose keys are made in no time
TOKENS = [
    ("wrong-key", {}, "bad-signature"),
    ("expired", {}, "clock-skew"),  # and made six minutes ago
    ("claims", {"claims": {"exp": int(time.time()) - 60}}, "expired"),
    ("not-yet", {}, "not-yet-valid"),
    ("wrong-issuer", {}, "wrong-issuer"),
    ("wrong-client", {}, "wrong-client"),
    ("duplicate", {"member": "azp"}, "duplicate-member"),
    ("duplicate", {"member": "preferred_username"}, "duplicate-member"),
    ("claims", {"claims": {"typ": "ID"}}, "wrong-type"),
    ("claims", {"claims": {"typ": "Refresh"}}, "wrong-type"),
    ("claims", {"claims": {"azp": None}}, "claim-missing"),
    ("claims", {"claims": {"exp": None}}, "claim-missing"),
    ("claims", {"claims": {"exp": "4102444800"}}, "malformed"),
    ("claims", {"claims": {"preferred_username": "Ada"}}, "wrong-user"),
    ("claims", {"claims": {"preferred_username": "ada\0"}}, "malformed"),
    ("claims", {"claims": {"preferred_username": ["ada"]}}, "malformed"),
    ("claims", {"claims": {"preferred_username": None}}, "claim-missing"),
    ("claims", {"claims": {"preferred_username": None, "realm_access": None}}, "lightweight-token"),
    ("members", {"members": {"not-before-policy": 4102444800}}, "revoked"),
    ("members", {"members": {"access_token": "a.b.c"}}, "malformed"),
]


class Scenario:
    """One demo realm, one realm object."""

    def __init__(self, realms, number, realm, timeout=3, **client):
        self.realms, self.number, self.realm = realms, number, realm
        realms.open(number, [f"issuer = {realm.base}/realms/linux", "allow_http = yes",
                             f"[limits]\ngrant_timeout = {timeout}s"], **client)

    def log_in(self, expected, what, user="ada"):
        word, _, detail = self.realms.ask("login", self.number, user, f"{user}-pass")
        assert word in expected, f"{what}: {word} ({detail}), not {expected}"
        if word == "ok":
            assert self.realms.ask("logout", self.number)[0] == "ok", f"{what}: not logged out"

    def no_session_stays(self, what):
        assert sleep_until(lambda: not self.realm.counts()["sessions"], 10), \
            f"{what}: {self.realm.counts()['sessions']}"


def tokens(realms):
    """Each is refused for its own reason, is given back, and changes nothing for the next one."""
    with demo.Demo() as realm:
        scenario = Scenario(realms, 0, realm)
        for kind, more, word in TOKENS:
            realm.fault(kind, **more)
            scenario.log_in([word], f"{kind} {more}")
            scenario.log_in(["ok"], f"after {kind} {more}")
        scenario.no_session_stays("tokens")


def clocks(realms):
    """Ten minutes ahead, ten behind; a token of an hour is not over by then."""
    with demo.Demo() as realm:
        scenario = Scenario(realms, 1, realm)
        for minutes in (10, -10, 90, -90, 0):
            for lifespan in (300, 7200):
                realm.tell("realm", clockOffset=minutes * MINUTES, accessTokenLifespan=lifespan)
                scenario.log_in(["clock-skew" if minutes else "ok"],
                                f"{minutes} minutes ahead, tokens of {lifespan} s")
        for seconds in (60, -60):
            realm.tell("realm", clockOffset=seconds, accessTokenLifespan=300)
            scenario.log_in(["ok"], f"{seconds} s ahead")
        realm.tell("realm", clockOffset=0)
        scenario.no_session_stays("clocks")


def rotation(realms):
    """The old key is gone; the keys are asked for once, whoever waits for them."""
    with demo.Demo() as realm:
        scenario = Scenario(realms, 2, realm, timeout=10, **ES256)
        scenario.log_in(["ok"], "before")
        before = realm.counts()["requests"]["certs"]
        realm.tell("rotate", alg="ES256", keep=False)
        for user in USERS:
            realms.tell("login", 2, user, f"{user}-pass")
        words = [realms.hear("login", 2)[0] for _ in USERS]
        assert words == ["ok"] * len(USERS), f"rotation: {words}"
        assert realm.counts()["requests"]["certs"] == before + 1, f"{realm.counts()['requests']}"


def storm(realms):
    """The key is another one with each login: they end in time, and the realm is not flooded."""
    with demo.Demo() as realm:
        scenario = Scenario(realms, 3, realm, timeout=8, **ES256)
        since = time.monotonic()
        scenario.log_in(["ok"], "before")
        for _ in range(4):
            for user in USERS:
                realm.tell("rotate", alg="ES256", keep=False)
                realms.tell("login", 3, user, f"{user}-pass")
            time.sleep(0.5)
        words = [realms.hear("login", 3)[0] for _ in range(4 * len(USERS))]
        # of whom the key is gone again when the keys come, and who waits behind one
        assert set(words) <= {"ok", "key-unknown", "timed-out"}, f"storm: {words}"
        asked = realm.counts()["requests"]["certs"]
        most = 1 + (time.monotonic() - since) / KEYS_PAUSE + 1
        assert asked <= most, f"storm: {asked} requests for keys in {time.monotonic() - since:.1f} s"
        scenario.log_in(["ok"], "after")
        assert "key-unknown" in words, f"storm: {words}"


class TokenFaults(unittest.TestCase):

    def test_lesson_16_tokens_clocks_and_keys(self):
        with Realms() as realms, concurrent.futures.ThreadPoolExecutor(4) as pool:
            ends = [pool.submit(one, realms) for one in (tokens, clocks, rotation, storm)]
            wrong = [str(end.exception()) for end in ends if end.exception()]
        self.assertFalse(wrong, "\n".join(wrong))


if __name__ == "__main__":
    unittest.main(verbosity=2)
