#!/usr/bin/env python3
"""kclogin-realm by itself: its likeness to what Keycloak was seen to answer, faults, counts.

Needs python3 and openssl; no root, no network.
"""
import base64
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import demo  # noqa: E402
import facts  # noqa: E402
import likeness  # noqa: E402
from admin_questions import Admin  # noqa: E402
import questions  # noqa: E402
from questions import CERTS, CLIENT, DISCOVERY, TOKEN, TOTP, form  # noqa: E402

facts.PAUSE = questions.PAUSE = 0  # the demo realm needs none after an answer
REFUSED = "Invalid user credentials"


def in_threads(count, function):
    """What each of `count` calls at once returned."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(function())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Likeness(unittest.TestCase):
    """Every answer as the real server was recorded to give it."""

    maxDiff = None

    def check(self, like, version, path):
        with demo.Demo(like=like, path=path) as server:
            answers = likeness.ask_all(server.base, None, like)
        recorded = likeness.read(os.path.join(HERE, "keycloak-%s.json" % version))
        self.assertGreater(len(answers), 250)
        self.assertEqual(likeness.compare(answers, recorded), [])

    def test_26(self):
        self.check(26, "26.7.0", "")

    def test_24(self):
        self.check(24, "24.0.5", "/auth")

    def test_the_comparison_can_fail(self):
        recorded = likeness.read(os.path.join(HERE, "keycloak-26.7.0.json"))
        spoilt = json.loads(json.dumps(recorded))
        spoilt["a login"]["status"] = 201
        del spoilt["logout"]
        names = {d[0] for d in likeness.compare(recorded, spoilt)}
        self.assertEqual(names, {"a login", "logout"})


class OneLoginAtATime(unittest.TestCase):
    def logins(self, like):
        with demo.Demo(like=like, hash_delay=400) as server:
            realm = server.realm()
            statuses = in_threads(8, lambda: realm.token(form()).status)
            others = in_threads(2, lambda: realm.grant("norole", "norole-pass").status)
            return sorted(statuses), others, server.counts()

    def test_26_refuses_the_others_uncounted(self):
        statuses, others, counts = self.logins(26)
        self.assertEqual(statuses, [200] + [400] * 7)
        self.assertEqual(sorted(others), [200, 400])
        self.assertEqual(counts["failures"], {})

    def test_24_serves_all(self):
        statuses, _, counts = self.logins(24)
        self.assertEqual(statuses, [200] * 8)
        self.assertEqual(counts["tokens"], 10)

    def test_different_users_do_not_wait_for_each_other(self):
        with demo.Demo(hash_delay=500) as server:
            realm = server.realm()
            users = iter(["ada", "norole", "locktest", "keys"])
            passwords = {"locktest": "lock-pass"}
            lock = threading.Lock()

            def login():
                with lock:
                    user = next(users)
                return realm.grant(user, passwords.get(user, user + "-pass")).status
            began = time.monotonic()
            self.assertEqual(in_threads(4, login), [200] * 4)
            self.assertLess(time.monotonic() - began, 1.9)


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = demo.Demo()
        cls.realm = cls.server.realm()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def setUp(self):
        self.server.tell("reset")

    def refused(self, answer, description):
        self.assertEqual(answer.json["error_description"], description)


def public_pem(jwk):
    """SubjectPublicKeyInfo of a JWK, from the constant beginnings that each kind has."""
    if jwk["kty"] == "RSA":
        def number(text):
            raw = b"\0" + facts.unb64url(text)
            return b"\x02" + size(len(raw)) + raw

        def size(n):
            return bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")
        body = number(jwk["n"]) + number(jwk["e"])
        key = b"\0\x30" + size(len(body)) + body
        inner = bytes.fromhex("300d06092a864886f70d0101010500") + b"\x03" + size(len(key)) + key
        der = b"\x30" + size(len(inner)) + inner
    elif jwk["kty"] == "EC":
        der = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" + "04") + \
            facts.unb64url(jwk["x"]) + facts.unb64url(jwk["y"])
    else:
        der = bytes.fromhex("302a300506032b6570032100") + facts.unb64url(jwk["x"])
    return "-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n" % \
        base64.encodebytes(der).decode()


def raw_to_der(raw):
    def number(part):
        part = part.lstrip(b"\0")
        part = b"\0" + part if part[0] & 0x80 else part
        return b"\x02" + bytes([len(part)]) + part
    body = number(raw[:32]) + number(raw[32:])
    return b"\x30" + bytes([len(body)]) + body


def verifies(token, keys):
    """Whether openssl takes the token's signature by the published key of its id."""
    head = facts.header(token)
    jwk = {k["kid"]: k for k in keys}[head["kid"]]
    signed, _, signature = token.rpartition(".")
    signature = facts.unb64url(signature)
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(data)
            return path
        key = put("key", public_pem(jwk).encode())
        text = put("text", signed.encode())
        if head["alg"] == "EdDSA":
            words = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", text,
                     "-sigfile", put("signature", signature)]
        else:
            if head["alg"] == "ES256":
                signature = raw_to_der(signature)
            words = ["dgst", "-sha256", "-verify", key, "-signature", put("signature", signature)]
            if head["alg"] == "PS256":
                words += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
            words.append(text)
        return subprocess.run(["openssl"] + words, capture_output=True, check=False).returncode == 0


class Keys(Running):
    def keys(self):
        return self.realm.ask("GET", CERTS).json["keys"]

    def login(self, client="linux-pam", secret="pam-secret-for-tests"):
        return self.realm.grant("ada", "ada-pass", client, secret).json["access_token"]

    def test_openssl_takes_every_signature(self):
        for alg in ("es256", "ps256", "eddsa"):
            self.assertTrue(verifies(self.login("linux-pam-" + alg, alg + "-secret"), self.keys()))
        token = self.login()
        self.assertTrue(verifies(token, self.keys()))
        self.assertFalse(verifies(token[:-8] + "AAAAAAAA", self.keys()))

    def test_wrong_key_under_the_right_id(self):
        for client, secret in (("linux-pam", "pam-secret-for-tests"),
                               ("linux-pam-es256", "es256-secret"),
                               ("linux-pam-ps256", "ps256-secret"),
                               ("linux-pam-eddsa", "eddsa-secret")):
            self.server.fault("wrong-key")
            self.assertFalse(verifies(self.login(client, secret), self.keys()))
            self.assertTrue(verifies(self.login(client, secret), self.keys()))

    def test_ids_are_unique_and_no_secret_is_published(self):
        keys = self.keys()
        self.assertEqual(len({k["kid"] for k in keys}), len(keys))
        for key in keys:
            self.assertFalse(set(key) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"})

    def test_rotation_keeps_the_old_key_or_not(self):
        old = self.login()
        before = {k["kid"] for k in self.keys()}
        self.server.tell("rotate", alg="RS256", keep=True)
        new = self.login()
        self.assertNotIn(facts.header(new)["kid"], before)
        self.assertTrue(verifies(old, self.keys()))
        self.assertTrue(verifies(new, self.keys()))
        self.server.tell("rotate", alg="RS256", keep=False)
        left = {k["kid"] for k in self.keys()}
        self.assertNotIn(facts.header(old)["kid"], left)
        self.assertNotIn(facts.header(new)["kid"], left)
        self.assertTrue(verifies(self.login(), self.keys()))


class BruteForce(Running):
    def wrong(self):
        return self.realm.grant("locktest", "x")

    def right(self):
        return self.realm.grant("locktest", "lock-pass")

    def test_three_failures_lock_for_a_minute(self):
        for _ in range(3):
            self.refused(self.wrong(), REFUSED)
        self.assertEqual(self.server.counts()["locked"], ["locktest"])
        self.refused(self.right(), REFUSED)
        self.assertEqual(self.server.counts()["failures"], {"locktest": 3})
        self.server.tell("realm", clockOffset=59)
        self.refused(self.right(), REFUSED)
        self.server.tell("realm", clockOffset=62)
        self.assertEqual(self.right().status, 200)
        self.assertEqual(self.server.counts()["failures"], {})

    def test_success_forgets_failures(self):
        for _ in range(2):
            self.wrong()
        self.assertEqual(self.right().status, 200)
        for _ in range(2):
            self.wrong()
        self.assertEqual(self.right().status, 200)

    def test_a_code_that_is_missing_counts(self):
        self.realm.grant("grace", "grace-pass")
        self.assertEqual(self.server.counts()["failures"], {"grace": 1})
        self.assertEqual(self.realm.grant("grace", "grace-pass", totp=facts.totp(TOTP)).status, 200)

    def test_pending_action_and_disabled_do_not_count(self):
        self.realm.grant("mustchange", "old-pass")
        self.realm.grant("frozen", "frozen-pass")
        self.assertEqual(self.server.counts()["failures"], {})


class Changes(Running):
    def refresh(self, token):
        return self.realm.token({"grant_type": "refresh_token", "refresh_token": token, **CLIENT})

    def test_disabled_while_logged_in(self):
        token = self.realm.token(form()).json["refresh_token"]
        self.server.tell("user", username="ada", enabled=False)
        self.refused(self.refresh(token), "User disabled")
        self.server.tell("user", username="ada", enabled=True)
        self.assertEqual(self.refresh(token).status, 200)

    def test_password_and_actions_change(self):
        self.server.tell("user", username="ada", password="another")
        self.refused(self.realm.token(form()), REFUSED)
        self.server.tell("user", username="ada", password="ada-pass", requiredActions=["X"])
        self.refused(self.realm.token(form()), "Account is not fully set up")
        self.server.tell("user", username="ada", requiredActions=[])
        self.assertEqual(self.realm.token(form()).status, 200)

    def test_not_before_makes_tokens_stale(self):
        token = self.realm.token(form()).json["refresh_token"]
        moment = int(time.time()) + 5
        self.server.tell("realm", notBefore=moment)
        self.refused(self.refresh(token), "Stale token")
        self.assertEqual(self.realm.token(form()).json["not-before-policy"], moment)

    def test_sessions_end_by_age_by_logout_and_by_an_administrator(self):
        token = self.realm.token(form()).json["refresh_token"]
        (session,) = self.server.counts()["sessions"]
        self.assertEqual((session["user"], session["client"], session["offline"]),
                         ("ada", "linux-pam", False))
        self.server.tell("realm", clockOffset=1795)
        self.assertEqual(self.refresh(token).status, 200)
        self.server.tell("realm", clockOffset=1805)
        self.refused(self.refresh(token), "Token is not active")
        self.server.tell("realm", clockOffset=0)
        self.server.tell("logout", username="ada")
        self.refused(self.refresh(token), "Session not active")
        self.assertEqual(self.server.counts()["sessions"], [])

    def test_realm_switched_off(self):
        self.server.tell("realm", enabled=False)
        answer = self.realm.token(form())
        self.assertEqual((answer.status, answer.json["error"]), (403, "access_denied"))
        self.refused(answer, "Realm not enabled")
        self.assertEqual(self.realm.ask("GET", DISCOVERY).status, 200)
        self.server.tell("realm", enabled=True)

    def test_https_required(self):
        self.server.tell("realm", httpsRequired=True)
        answer = self.realm.token(form())
        self.server.tell("realm", httpsRequired=False)
        self.assertEqual((answer.status, answer.json["error"]), (403, "invalid_request"))
        self.refused(answer, "HTTPS required")

    def test_control_refuses_what_it_does_not_know(self):
        for method, what, body in (("POST", "fault", {"fault": "nope"}), ("POST", "fault", []),
                                   ("POST", "rotate", {"alg": "HS256"}),
                                   ("POST", "user", {"username": "nobody"}),
                                   ("DELETE", "user", {"username": "nobody"}),
                                   ("POST", "user", {"username": "nobody", "again": True}),
                                   ("POST", "user", {"username": "ada", "create": True}),
                                   ("POST", "user", {"username": "ada", "joinGroups": ["/no"]}),
                                   ("POST", "group", {"path": "/no"})):
            self.assertEqual(self.server.control(method, what, body)[0], 400, what)
        self.assertEqual(self.server.control("GET", "nope")[0], 404)


class Administration(Running):
    """What an administrator does through control, seen through the Admin API."""

    def setUp(self):
        super().setUp()
        self.admin = Admin(self.realm, "linux-nss")

    def user(self, name):
        found = self.admin.ask("users", username=name, exact=True).json
        return found[0] if found else None

    def roles(self, name):
        return {role["name"] for role in self.admin.ask(
            "users/%s/role-mappings/realm/composite" % self.admin.user(name)).json}

    def groups(self, name):
        return [group["path"] for group in self.admin.ask(
            "users/%s/groups" % self.admin.user(name)).json]

    def members(self, path):
        return [user["username"] for user in self.admin.ask(
            "groups/%s/members" % self.admin.group(path), max=-1).json]

    def test_tokens_die(self):
        for spoil, mend in (({"clockOffset": 301}, {"clockOffset": 0}),
                            ({"notBefore": int(time.time()) + 60}, {"notBefore": 0})):
            self.server.tell("realm", **spoil)
            self.assertEqual(self.admin.ask("users/count").status, 401, spoil)
            self.server.tell("realm", **mend)
            self.assertEqual(self.admin.ask("users/count").status, 200, mend)
        self.server.fault("wrong-key")
        self.assertEqual(Admin(self.realm, "linux-nss").ask("users/count").status, 401)
        other = facts.Realm(self.server.base.replace("localhost", "127.0.0.1"))
        self.assertEqual(other.ask("GET", "/admin/realms/linux/users/count", headers={
            "Authorization": "Bearer " + self.admin.token}).status, 401)
        self.server.tell("user", username="service-account-linux-nss", enabled=False)
        self.assertEqual(self.admin.ask("users/count").status, 401)

    def test_roles_count_as_they_are_now(self):
        service = {"username": "service-account-linux-nss"}
        self.server.tell("user", **service, takeClientRoles={"realm-management": ["view-users"]})
        self.assertEqual(self.admin.ask("users").status, 403)
        self.server.tell("user", **service, giveClientRoles={"realm-management": ["query-users"]})
        self.assertEqual(self.admin.ask("users").json, [])
        self.server.tell("reset")
        self.assertEqual(len(self.admin.ask("users").json), 32)

    def test_attributes(self):
        self.server.tell("user", username="ada",
                         attributes={"uidNumber": ["7"], "loginShell": None, "undeclared": ["x"]})
        self.assertEqual(self.user("ada")["attributes"], {
            "uidNumber": ["7"], "gidNumber": ["1900020000"], "homeDirectory": ["/home/ada"]})
        self.assertEqual([u["username"] for u in self.admin.ask("users", q="uidNumber:7").json],
                         ["ada"])
        self.server.tell("reset")
        self.assertEqual(self.user("ada")["attributes"]["uidNumber"], ["1900010001"])

    def test_roles_and_groups(self):
        self.server.tell("user", username="ada", takeRealmRoles=["linux-login"],
                         leaveGroups=["/linux-admins"], joinGroups=["/teams/red/admins"])
        self.assertFalse({"linux-login", "linux-sudo"} & self.roles("ada"))
        self.assertEqual(self.groups("ada"),
                         ["/teams/red/admins", "/engineering/kernel", "/linux-users"])
        self.assertEqual(self.members("/teams/red/admins"), ["ada", "nested"])
        self.assertNotIn("linux-login", self.realm.token(form()).access["realm_access"]["roles"])
        self.server.tell("reset")
        self.assertEqual(self.members("/teams/red/admins"), ["nested"])
        self.assertLessEqual({"linux-login", "linux-sudo"}, self.roles("ada"))

    def test_a_user_goes_and_comes_back_as_another(self):
        before = self.user("ada")["id"]
        token = self.realm.token(form()).json["refresh_token"]
        status, _ = self.server.control("DELETE", "user", {"username": "ada"})
        self.assertEqual((status, self.user("ada")), (200, None))
        self.assertEqual(self.admin.ask("users/" + before).status, 404)
        self.assertNotIn("ada", self.members("/linux-users"))
        self.refused(self.realm.token(form()), REFUSED)
        self.refused(self.realm.token({"grant_type": "refresh_token", "refresh_token": token,
                                       **CLIENT}), "Session not active")
        self.server.tell("reset")
        self.assertEqual(self.user("ada")["id"], before)
        self.assertEqual(self.realm.token(form()).status, 200)
        self.server.tell("user", username="ada", again=True)
        self.assertNotEqual(self.user("ada")["id"], before)
        self.assertEqual(self.realm.token(form()).access["sub"], self.user("ada")["id"])
        self.server.tell("reset")
        self.assertEqual(self.user("ada")["id"], before)

    def test_a_user_is_made(self):
        self.server.tell("user", username="New", create=True, enabled=True,
                         attributes={"uidNumber": ["1900010999"]}, groups=["/linux-users"],
                         credentials=[{"type": "password", "value": "new-pass"}])
        self.assertEqual(self.user("new")["attributes"], {"uidNumber": ["1900010999"]})
        self.assertIn("new", self.members("/linux-users"))
        self.assertEqual(self.realm.grant("new", "new-pass").status, 200)
        self.server.tell("reset")
        self.assertIsNone(self.user("new"))

    def test_a_group_comes_back_as_another(self):
        before = self.admin.group("/linux-users")
        self.server.tell("group", path="/linux-users", again=True)
        self.assertNotEqual(self.admin.group("/linux-users"), before)
        self.assertEqual(self.admin.ask("groups/" + before).status, 404)

    def test_counts_and_faults_by_resource(self):
        self.server.tell("reset")
        self.members("/linux-users")
        requests = self.server.counts()["requests"]
        self.assertEqual((requests["admin-group"], requests["admin-members"]), (1, 1))
        self.server.fault("status", match="admin-members", status=503)
        self.assertEqual(self.admin.ask("users/count").status, 200)
        self.assertEqual(self.admin.ask("groups/x/members").status, 503)
        self.server.fault("members", match="admin", members={"username": "root"})
        self.assertEqual(self.user("ada")["username"], "root")


class Filling(unittest.TestCase):
    def test_the_same_at_each_start(self):
        def look():
            with demo.Demo(fill_users=250, fill_groups=20, fill_members=30) as server:
                realm = server.realm()
                admin = Admin(realm, "linux-nss")
                first = admin.ask("users", username="u000001", exact=True).json[0]
                last = admin.ask("groups/%s/members" % admin.group("/fill/g0020"), max=-1).json
                group = admin.ask("group-by-path/fill/g0020").json
                pages = [len(admin.ask("groups/%s/members" % admin.group("/fill"),
                                       first=at).json) for at in (0, 100, 200, 300)]
                login = realm.grant("u000250", "fill-pass").access
                own = admin.ask("users/%s/groups" % first["id"]).json
                count = admin.ask("users/count").json
                server.tell("user", username="u000001", leaveGroups=["/fill"], enabled=False)
                status, _ = server.control("DELETE", "user", {"username": "u000002"})
                self.assertEqual((status, admin.ask("users/count").json), (200, count - 1))
                server.tell("user", username="u000003", again=True)
                server.tell("reset")
                self.assertEqual(admin.ask("users/count").json, count)
                self.assertEqual(admin.ask("users/" + first["id"]).json["enabled"], True)
                self.assertEqual(admin.ask("users/%s/groups" % first["id"]).json, own)
            self.assertEqual(first["attributes"], {
                "uidNumber": ["1900100000"], "gidNumber": ["1900020000"],
                "homeDirectory": ["/home/u000001"], "loginShell": ["/bin/bash"]})
            self.assertEqual(group["attributes"], {"gidNumber": ["1900300019"]})
            self.assertEqual(pages, [100, 100, 50, 0])
            self.assertEqual(login["preferred_username"], "u000250")
            self.assertEqual(count, 32 + 250)
            return [u["username"] for u in last], [g["path"] for g in own], login["groups"]
        once = look()
        self.assertEqual(len(once[0]), 30)
        self.assertEqual(once, look())

    def test_ten_thousand_are_quick(self):
        began = time.monotonic()
        with demo.Demo(fill_users=10000, fill_groups=1000, fill_members=100) as server:
            started = time.monotonic() - began
            admin = Admin(server.realm(), "linux-nss")
            self.assertEqual(admin.ask("users/count").json, 10032)
            self.assertEqual(len(admin.ask("groups/%s/members" % admin.group("/fill"),
                                           max=-1).json), 10000)
            with open("/proc/%d/status" % server.process.pid) as status:
                resident = next(int(line.split()[1]) for line in status if "VmHWM" in line)
        self.assertLess(started, 30)
        self.assertLess(resident, 200000)  # kB, the list of 10,000 included; sanitizers take more


class Counts(Running):
    def test_requests_and_connections(self):
        before = self.server.counts()["connections"]
        kept = self.realm.connect()
        for _ in range(5):
            self.assertEqual(self.realm.ask("GET", CERTS, connection=kept).status, 200)
        self.realm.ask("GET", DISCOVERY, connection=kept)
        self.realm.token(form(), connection=kept)
        self.realm.token(form(password="x"), connection=kept)
        kept.close()
        counts = self.server.counts()
        self.assertEqual(counts["connections"] - before, 2)  # that one, and the control's own
        self.assertEqual((counts["requests"]["certs"], counts["requests"]["discovery"],
                          counts["requests"]["token"], counts["tokens"]), (5, 1, 2, 1))
        self.assertEqual(counts["failures"], {"ada": 1})

    def test_reset(self):
        self.realm.token(form(password="x"))
        self.server.fault("status", count=-1)
        self.server.tell("user", username="ada", enabled=False, password="y",
                         requiredActions=["X"])
        self.server.tell("realm", enabled=False, httpsRequired=True, notBefore=1 << 33,
                         accessTokenLifespan=1, clockOffset=-9)
        self.server.tell("reset")
        counts = self.server.counts()
        self.assertEqual((counts["requests"]["token"], counts["failures"]), (0, {}))
        self.assertEqual(self.realm.token(form()).status, 200)

    def test_no_secret_in_the_log(self):
        self.realm.token(form())
        self.realm.token(form(password="a-wrong-one"))
        self.realm.token(form(scope="line\nbreak"))
        self.realm.token(form(client_id=None, client_secret=None),
                         questions.basic("linux-pam", "pam-secret-for-tests"))
        with open(self.server.log) as file:
            log = file.read()
        for secret in ("ada-pass", "a-wrong-one", "pam-secret", "eyJ", "access_token"):
            self.assertNotIn(secret, log)
        self.assertIn("POST token 400", log)
        self.assertIn("line?break", log)


class Faults(Running):
    def token(self, **more):
        return self.realm.token(form(), **more)

    def test_status_headers_and_body(self):
        self.server.fault("status", status=503, headers={"Retry-After": "7"}, type="text/plain",
                          body="Bootstrap in progress...")
        answer = self.token()
        self.assertEqual((answer.status, answer.headers["Retry-After"], answer.body),
                         (503, "7", b"Bootstrap in progress..."))
        self.assertEqual(self.token().status, 200)
        for status in (400, 401, 403, 404, 405, 406, 415, 429, 500, 502, 504):
            self.server.fault("status", status=status)
            self.assertEqual(self.token().status, status)

    def test_count_match_and_user(self):
        self.server.fault("empty", match="certs", count=2)
        self.assertEqual(self.token().status, 200)
        self.assertEqual([self.realm.ask("GET", CERTS).body == b"" for _ in range(3)],
                         [True, True, False])
        self.server.fault("empty", count=-1, user="norole")
        self.assertIsNotNone(self.token().json)
        for _ in range(3):
            self.assertEqual(self.realm.grant("norole", "norole-pass").body, b"")
        self.server.clear()
        self.assertEqual(self.realm.grant("norole", "norole-pass").status, 200)

    def test_an_answer_may_be_spoilt_after_it_took_effect(self):
        self.server.fault("cut")
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.token()
        self.assertEqual(self.server.counts()["sessions"], [])
        self.server.fault("cut", process=True)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.token()
        self.assertEqual(len(self.server.counts()["sessions"]), 1)
        self.assertEqual(self.server.counts()["requests"]["token"], 2)

    def test_delay(self):
        self.server.fault("delay", delay=300)
        began = time.monotonic()
        self.assertEqual(self.token().status, 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_hang_ends_with_the_caller_or_a_reset(self):
        self.server.fault("hang", count=2)
        kept = self.realm.connect()
        kept.timeout = 0.5
        with self.assertRaises(TimeoutError):
            self.realm.ask("POST", TOKEN, form(), connection=kept)
        kept.close()
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(self.outcome()))
        thread.start()
        deadline = time.monotonic() + 10
        while self.server.counts()["requests"]["token"] < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        self.server.tell("reset")
        thread.join(10)
        self.assertEqual(waiting, ["cut"])

    def outcome(self):
        try:
            return self.token().status
        except (http.client.HTTPException, OSError):
            return "cut"

    def test_half_an_answer(self):
        self.server.fault("half")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.token()
        self.assertIn(b"access_token", caught.exception.partial)

    def test_answers_without_end(self):
        for kind, first in (("endless-body", b"HTTP/1.1 200 OK\r\n"),
                            ("endless-headers", b"HTTP/1.1 200 OK\r\nX-Filler"),
                            ("interim", b"HTTP/1.1 103 Early Hints\r\n")):
            self.server.fault(kind, match="discovery")
            got = self.stream()
            self.assertTrue(got.startswith(first), got[:80])
            self.assertGreaterEqual(len(got), 300000)
        self.assertIn(b"\r\n\r\nHTTP/1.1 103", got)

    def stream(self):
        """The first 300 kB of an answer that does not end."""
        with socket.create_connection((self.realm.url.hostname, self.realm.url.port), 10) as peer:
            peer.sendall(b"GET /realms/linux/%s HTTP/1.1\r\nHost: x\r\n\r\n" % DISCOVERY.encode())
            got = b""
            while len(got) < 300000:
                more = peer.recv(65536)
                if not more:
                    break
                got += more
        return got

    def test_garbage_oversize_empty_redirect(self):
        self.server.fault("garbage")
        with self.assertRaises(http.client.BadStatusLine):
            self.token()
        self.server.fault("oversize", size=3000000)
        self.assertEqual(len(self.token().body), 3000000)
        self.server.fault("empty")
        self.assertEqual((self.token().status, self.token().status), (200, 200))
        self.server.fault("redirect", location="http://127.0.0.1:9/elsewhere")
        answer = self.token()
        self.assertEqual((answer.status, answer.headers["Location"]),
                         (307, "http://127.0.0.1:9/elsewhere"))

    def test_tokens_that_lie(self):
        good = self.token().access
        now = time.time()
        self.server.fault("expired")
        self.assertLess(self.token().access["exp"], now)
        self.server.fault("not-yet")
        self.assertGreater(self.token().access["nbf"], now + 3000)
        self.server.fault("wrong-issuer")
        self.assertNotEqual(self.token().access["iss"], good["iss"])
        self.server.fault("wrong-client")
        self.assertNotEqual(self.token().access["azp"], good["azp"])
        self.server.fault("claims",
                          claims={"preferred_username": "root", "typ": "ID", "sub": None})
        lie = self.token().access
        self.assertEqual((lie["preferred_username"], lie["typ"], "sub" in lie),
                         ("root", "ID", False))
        self.server.fault("duplicate", member="azp")
        raw = facts.unb64url(self.token().json["access_token"].split(".")[1])
        self.assertEqual(raw.count(b'"azp":'), 2)
        self.assertEqual(self.token().access["azp"], good["azp"])

    def test_answers_that_lie(self):
        self.server.fault("members", members={"token_type": "bearer", "refresh_token": None,
                                              "session_state": None, "expires_in": "300"})
        answer = self.token().json
        self.assertEqual((answer["token_type"], answer["expires_in"]), ("bearer", "300"))
        self.assertNotIn("refresh_token", answer)
        self.server.fault("wrong-issuer", match="discovery")
        self.assertNotEqual(self.realm.ask("GET", DISCOVERY).json["issuer"], self.realm.issuer)
        self.server.fault("members", match="discovery", members={"token_endpoint": "http://x/"})
        self.assertEqual(self.realm.ask("GET", DISCOVERY).json["token_endpoint"], "http://x/")
        self.server.fault("members", match="certs", members={"keys": []})
        self.assertEqual(self.realm.ask("GET", CERTS).json["keys"], [])

    def test_a_slow_password_delays_nobody_at_the_end(self):
        with demo.Demo(hash_delay=60000) as server:
            stuck = threading.Thread(target=lambda: self.ignore(server.realm()))
            stuck.start()
            deadline = time.monotonic() + 10
            while server.counts()["requests"]["token"] < 1 and time.monotonic() < deadline:
                time.sleep(0.02)
            began = time.monotonic()
        self.assertLess(time.monotonic() - began, 10)
        stuck.join(10)
        self.assertFalse(stuck.is_alive())

    def test_it_stops_while_callers_wait(self):
        with demo.Demo() as server:
            server.fault("hang")
            realm = server.realm()
            kept = realm.connect()
            kept.request("GET", realm.url.path + "/realms/linux/protocol/openid-connect/certs")
            kept.getresponse().read()
            stuck = threading.Thread(target=lambda: self.ignore(realm))
            stuck.start()
            deadline = time.monotonic() + 10
            while server.counts()["requests"]["token"] < 1 and time.monotonic() < deadline:
                time.sleep(0.02)
            began = time.monotonic()
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(server.status, 0)
        stuck.join(10)
        self.assertFalse(stuck.is_alive())
        kept.close()

    @staticmethod
    def ignore(realm):
        try:
            realm.token(form())
        except (http.client.HTTPException, OSError):
            pass


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = demo.Demo(tls=True, client_ca=os.path.join(facts.KEYS, "ca.crt"))
        cls.realm = cls.server.realm()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_the_fresh_authority_is_believed_and_no_other(self):
        self.assertTrue(self.server.base.startswith("https://"))
        self.assertEqual(self.realm.token(form()).access["iss"], self.realm.issuer)
        stranger = facts.Realm(self.server.base, ca=os.path.join(facts.KEYS, "ca.crt"))
        with self.assertRaises(ssl.SSLCertVerificationError):
            stranger.token(form())
        by_address = facts.Realm(self.server.base.replace("localhost", "127.0.0.1"),
                                 ca=self.server.ca)
        self.assertEqual(by_address.ask("GET", CERTS).status, 200)

    def test_certificates_of_clients(self):
        def ask(name):
            pair = tuple(os.path.join(facts.KEYS, name + end) for end in (".crt", ".key"))
            realm = self.server.realm(cert=pair if name else None)
            return realm.token(form(client_id="linux-pam-mtls", client_secret=None)).status
        self.assertEqual((ask("host1"), ask("host2"), self.realm.token(
            form(client_id="linux-pam-mtls", client_secret=None)).status), (200, 401, 401))

    def test_a_certificate_of_another_authority(self):
        with tempfile.TemporaryDirectory() as folder:
            pair = (os.path.join(folder, "c"), os.path.join(folder, "k"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                            "-days", "1", "-subj",
                            "/C=DE/O=Example Hosts/OU=linux/CN=host1.example.test",
                            "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
            realm = self.server.realm(cert=pair)
            self.assertEqual(realm.token(form(client_id="linux-pam-mtls",
                                              client_secret=None)).status, 401)

    def test_handshakes_are_counted(self):
        self.server.tell("reset")
        kept = self.realm.connect()
        for _ in range(3):
            self.realm.ask("GET", CERTS, connection=kept)
        kept.close()
        self.assertEqual(self.server.counts()["handshakes"], 2)  # that one, and the control's own

    def test_raw_faults_over_tls(self):
        for kind, first in (("endless-headers", b"HTTP/1.1 200"), ("interim", b"HTTP/1.1 103")):
            self.server.tell("fault", fault=kind, match="certs")
            with self.realm.context.wrap_socket(
                    socket.create_connection((self.realm.url.hostname, self.realm.url.port), 10),
                    server_hostname="localhost") as peer:
                peer.sendall(b"GET /realms/linux/%s HTTP/1.1\r\nHost: x\r\n\r\n" % CERTS.encode())
                got = b""
                while len(got) < 100000:
                    more = peer.recv(65536)
                    if not more:
                        break
                    got += more
            self.assertTrue(got.startswith(first))
            self.assertGreaterEqual(len(got), 100000)


class OtherRealms(unittest.TestCase):
    """What realm/linux.json does not set."""

    @staticmethod
    def file(**changes):
        realm = {"realm": "other", "enabled": True,
                 "clients": [{"clientId": "c", "enabled": True, "publicClient": True,
                              "directAccessGrantsEnabled": True,
                              "attributes": changes.pop("attributes", {})}],
                 "users": [{"username": "u", "enabled": True, "firstName": "U", "lastName": "V",
                            "email": "u@example.test", "realmRoles": ["default-roles-other"],
                            "credentials": changes.pop("credentials", []) + [
                                {"type": "password", "value": "pass"}]}], **changes}
        file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(realm, file)
        file.flush()
        return file

    @staticmethod
    def login(server, password="pass", **more):
        realm = facts.Realm(server.base, name="other", ca=server.ca)
        return realm.token({"grant_type": "password", "client_id": "c", "username": "u",
                            "password": password, **more})

    def test_scopes_roles_and_keys_that_keycloak_makes_itself(self):
        with self.file() as file, demo.Demo(realm=file.name) as server:
            claims = self.login(server, scope="offline_access").access
        self.assertEqual(claims["preferred_username"], "u")
        self.assertEqual(claims["aud"], "account")
        self.assertEqual(set(claims["realm_access"]["roles"]),
                         {"default-roles-other", "offline_access", "uma_authorization"})
        self.assertEqual(set(claims["resource_access"]["account"]["roles"]),
                         {"manage-account", "manage-account-links", "view-profile"})
        self.assertEqual(set(claims["scope"].split()), {"email", "profile", "offline_access"})

    def test_token_type_in_lower_case(self):
        with self.file(attributes={"token.response.type.bearer.lower-case": "true"}) as file, \
                demo.Demo(realm=file.name) as server:
            self.assertEqual(self.login(server).json["token_type"], "bearer")

    def test_row_30_and_33(self):
        with self.file(attributes={"tls.client.certificate.bound.access.tokens": "true"}) as file, \
                demo.Demo(realm=file.name) as server:
            self.assertEqual(self.login(server).json, {
                "error": "invalid_request",
                "error_description": "Client Certification missing for MTLS HoK Token Binding"})
        with self.file(sslRequired="all") as file, demo.Demo(realm=file.name) as server:
            self.assertEqual(self.login(server).json["error_description"], "HTTPS required")
        with self.file(sslRequired="all") as file, \
                demo.Demo(realm=file.name, tls=True) as server:
            self.assertEqual(self.login(server).status, 200)

    def test_row_32_a_realm_that_is_off(self):
        with self.file(enabled=False) as file, demo.Demo(realm=file.name) as server:
            self.assertEqual(self.login(server).status, 403)

    def test_codes_are_spent(self):
        otp = {"type": "otp", "secretData": json.dumps({"value": TOTP}),
               "credentialData": json.dumps({"secretEncoding": "BASE32", "period": 30})}
        for reusable, then in ((False, 400), (True, 200)):
            with self.file(credentials=[otp], otpPolicyCodeReusable=reusable) as file, \
                    demo.Demo(realm=file.name) as server:
                code = facts.totp(TOTP)
                self.assertEqual(self.login(server, totp=code).status, 200)
                self.assertEqual(self.login(server, totp=code).status, then)

    def test_locks_without_an_end_and_after_quick_failures(self):
        with self.file(bruteForceProtected=True, permanentLockout=True, failureFactor=2,
                       quickLoginCheckMilliSeconds=0) as file, \
                demo.Demo(realm=file.name) as server:
            for _ in range(2):
                self.login(server, "x")
            server.tell("realm", clockOffset=40000)
            self.assertEqual(self.login(server).status, 400)
        with self.file(bruteForceProtected=True, failureFactor=9,
                       quickLoginCheckMilliSeconds=60000,
                       minimumQuickLoginWaitSeconds=30) as file, \
                demo.Demo(realm=file.name) as server:
            self.login(server, "x")
            self.assertEqual(self.login(server).status, 200)
            for _ in range(2):
                self.login(server, "x")
            self.assertEqual(self.login(server).status, 400)
            server.tell("realm", clockOffset=31)
            self.assertEqual(self.login(server).status, 200)


class CommandLine(unittest.TestCase):
    def run_with(self, *words):
        done = subprocess.run([demo.PROGRAM, *words], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stderr

    def test_loopback_only(self):
        for address in ("0.0.0.0", "::", "192.0.2.1", "example.org", "128.0.0.1"):
            code, text = self.run_with("--realm", facts.FILE, "--port", "0", "--listen", address)
            self.assertEqual(code, 1)
            self.assertIn("loopback", text)

    def test_mistakes_are_named(self):
        for words, text in (((), "--realm FILE is needed"), (("--nope",), "--nope: no such option"),
                            (("--port",), "--port needs N"), (("--port", "x"), "--port x"),
                            (("--port", "70000"), "--port 70000"), (("--tls=yes",), "--tls=yes"),
                            (("--realm", "x", "--like", "25"), "24 or 26"),
                            (("--realm", "x", "--ca-out", "y"), "need --tls"),
                            (("--realm", "x", "--path", "auth"), "--path begins"),
                            (("--realm", "/nonexistent"), "cannot be read"),
                            (("--realm", __file__), "not a JSON object")):
            code, said = self.run_with(*words)
            self.assertEqual(code, 1, words)
            self.assertIn(text, said)

    def test_realms_that_are_not(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{"enabled": true}')
            file.flush()
            code, said = self.run_with("--realm", file.name)
        self.assertEqual(code, 1)
        self.assertIn("no realm in it", said)


if __name__ == "__main__":
    unittest.main()
