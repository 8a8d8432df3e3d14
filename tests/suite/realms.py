"""The realms that the suite can be run against: the demo realm and real Keycloaks.

Used by run.py (one realm a run) and the cases. Each stands behind a relay, which is the address
that the product knows. Never reached by the product past the relay.
"""

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from bed import ROOT
from outcome import Failed, wait_for
from relay import Relay

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REALM_FILE = os.path.join(SOURCE, "realm", "linux.json")
KEYS = os.path.join(SOURCE, "tests", "keys")
CA_FILE = "/etc/kclogin/keys/ca.crt"
VERSIONS = {"kc26": "26.7.0", "kc24": "24.0.5"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def passwords():
    """Every user's password, as the realm file has it; names as the realm keeps them."""
    with open(REALM_FILE, encoding="utf-8") as file:
        users = json.load(file)["users"]
    return {
        user["username"].lower(): credential["value"]
        for user in users
        for credential in user.get("credentials", [])
        if credential["type"] == "password"
    }


class Realm:
    """What every realm has: an issuer behind a relay, and an administrator's view."""

    real = False
    prefix = ""
    file = REALM_FILE
    more = ()

    def __init__(self, tls):
        self.tls = tls
        self.port = free_port()
        self.process = None
        self.relay = None

    def connect(self):
        self.relay = Relay(self.port)

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def issuer(self):
        return f"{self.scheme}://127.0.0.1:{self.relay.port}{self.prefix}/realms/linux"

    @property
    def ca_source(self):
        """The CA that signed the realm's certificate."""
        return os.path.join(KEYS, "ca.crt")

    @staticmethod
    def ca_file():
        """Where the product finds it."""
        return CA_FILE

    def call(self, method, path, form=None, body=None, token=None, timeout=20, kind=None):
        """An administrator's request, past the relay; (status, body). The Host is the product's."""
        request = urllib.request.Request(
            f"{self.scheme}://127.0.0.1:{self.port}{path}", method=method
        )
        if self.relay:
            request.add_header("Host", f"127.0.0.1:{self.relay.port}")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        if kind:
            request.add_header("Content-Type", kind)
        data = urllib.parse.urlencode(form).encode() if form is not None else body
        context = ssl.create_default_context(cafile=self.ca_source) if self.tls else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            *([urllib.request.HTTPSHandler(context=context)] if context else []),
        )
        try:
            with opener.open(request, data, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def json(self, method, path, **options):
        status, body = self.call(method, path, **options)
        if status != 200:
            raise Failed(f"{method} {path}: {status} {body[:200]!r}")
        return json.loads(body)

    def minimal_answers(self):
        """While it lasts, the realm answers with as little as it can; real ones always say all."""
        return contextlib.nullcontext()

    def stop(self):
        if not self.process:
            return
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        except ProcessLookupError:
            pass
        self.process = None


class DemoRealm(Realm):
    """kclogin-realm, answering like one version or the other; like 24 it stands under /auth."""

    def __init__(self, name, tls, program):
        super().__init__(tls)
        self.name = name
        self.like = "24" if name == "demo24" else "26"
        self.prefix = "/auth" if self.like == "24" else ""
        self.program = program
        self.file = REALM_FILE
        self.ca_out = None

    @property
    def ca_source(self):
        return self.ca_out

    def start(self, folder):
        ready = f"{folder}/ready"
        argv = [
            self.program,
            "--realm",
            self.file,
            "--port",
            str(self.port),
            "--like",
            self.like,
            "--path",
            self.prefix,
            "--ready",
            ready,
            "--log",
            f"{ROOT}/log/realm.log",
            *self.more,
        ]
        if self.tls:
            self.ca_out = f"{folder}/realm-ca.crt"
            argv += ["--tls", "--ca-out", self.ca_out, "--client-ca", f"{KEYS}/ca.crt"]
        log = open(f"{ROOT}/log/realm.log", "ab")
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        wait_for(
            lambda: os.path.exists(ready) or self.process.poll() is not None,
            30,
            "kclogin-realm does not become ready",
        )
        if self.process.poll() is not None:
            raise SystemExit(f"kclogin-realm ended with {self.process.returncode}")
        self.connect()

    def control(self, method, what, document=None):
        body = json.dumps(document or {}).encode() if method == "POST" or document else None
        return self.json(method, f"/_control/{what}", body=body)

    @contextlib.contextmanager
    def administrator(self, name, password, roles=("manage-users",)):
        """Somebody of the realm with these roles of realm-management, while it lasts."""
        self.control(
            "POST",
            "user",
            {
                "create": True,
                "username": name,
                "enabled": True,
                "credentials": [{"type": "password", "value": password}],
                "clientRoles": {"realm-management": list(roles)},
            },
        )
        try:
            yield
        finally:
            self.control("POST", "reset")

    def change_user(self, user, enabled=True, **attributes):
        """Enabled or not, and attributes that get these values."""
        self.control(
            "POST", "user", {"username": user, "enabled": enabled, "attributes": attributes}
        )

    def attribute(self, user, name):
        """An attribute's values as an administrator sees them."""
        answer = self.json(
            "POST",
            f"{self.prefix}/realms/linux/protocol/openid-connect/token",
            form={
                "grant_type": "client_credentials",
                "client_id": "linux-nss",
                "client_secret": "nss-secret-for-tests",
            },
        )
        found = self.json(
            "GET",
            f"{self.prefix}/admin/realms/linux/users?exact=true&username={user}",
            token=answer["access_token"],
        )
        return found[0].get("attributes", {}).get(name)

    def sessions(self, user):
        """How many sessions the user has at the realm."""
        return sum(1 for one in self.control("GET", "counts")["sessions"] if one["user"] == user)

    def failures(self, user):
        """How many failures the realm's brute-force detection counts for the user."""
        return self.control("GET", "counts")["failures"].get(user, 0)

    def forget_failures(self):
        self.control("POST", "forgive")

    @contextlib.contextmanager
    def minimal_answers(self):
        self.control(
            "POST",
            "fault",
            {
                "fault": "members",
                "match": "token",
                "count": -1,
                "members": {
                    "token_type": "bearer",
                    "refresh_token": None,
                    "refresh_expires_in": None,
                    "not-before-policy": None,
                    "session_state": None,
                    "scope": None,
                },
            },
        )
        try:
            yield
        finally:
            self.control("DELETE", "fault")


class KeycloakRealm(Realm):
    """A real Keycloak of one version; 24 stands under /auth."""

    real = True

    def __init__(self, name, tls):
        super().__init__(tls)
        self.name = name
        self.like = name[2:]
        self.version = VERSIONS[name]
        self.prefix = "/auth" if name == "kc24" else ""
        self.token, self.token_until = None, 0
        self.ids = {}

    def start(self, folder):
        plain, management = (self.port, free_port()) if not self.tls else (free_port(), free_port())
        options = []
        if self.prefix:
            options.append("--http-relative-path=" + self.prefix)
        if self.tls:
            options += [
                f"--https-port={self.port}",
                f"--https-certificate-file={KEYS}/srv.crt",
                f"--https-certificate-key-file={KEYS}/srv.key",
                "--https-client-auth=request",
                f"--truststore-paths={KEYS}/ca.crt",
            ]
        log = open(f"{folder}/keycloak.log", "ab")
        self.process = subprocess.Popen(
            [
                os.path.join(SOURCE, "tests/keycloak/node.sh"),
                "run",
                f"{folder}/keycloak",
                self.version,
                str(plain),
                str(management),
                self.file,
                *options,
                *self.more,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        end = time.monotonic() + 900
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                status, _ = self.call("GET", f"{self.prefix}/realms/linux", timeout=5)
                if status == 200:
                    self.connect()
                    return
            except OSError:
                pass
            time.sleep(0.3)
        with open(f"{folder}/keycloak.log", encoding="utf-8", errors="replace") as file:
            raise SystemExit("Keycloak did not start:\n" + file.read()[-3000:])

    def admin(self, method, path, **options):
        if time.monotonic() > self.token_until:
            answer = self.json(
                "POST",
                f"{self.prefix}/realms/master/protocol/openid-connect/token",
                form={
                    "grant_type": "password",
                    "client_id": "admin-cli",
                    "username": "admin",
                    "password": "admin",
                },
            )
            self.token, self.token_until = answer["access_token"], time.monotonic() + 30
        return self.call(
            method, f"{self.prefix}/admin/realms/linux{path}", token=self.token, **options
        )

    @contextlib.contextmanager
    def administrator(self, name, password, roles=("manage-users",)):
        """Somebody of the realm with these roles of realm-management, while it lasts; then users
        and groups without numbers have none again."""
        user = {
            "username": name,
            "enabled": True,
            "firstName": "Test",
            "lastName": "Administrator",
            "email": f"{name}@example.test",
            "emailVerified": True,
            "credentials": [{"type": "password", "value": password, "temporary": False}],
        }
        self._write("POST", "/users", user)
        me = self.user_id(name)
        _, body = self.admin("GET", "/clients?clientId=realm-management")
        client = json.loads(body)[0]["id"]
        for role in roles:
            _, body = self.admin("GET", f"/clients/{client}/roles/{role}")
            self._write("POST", f"/users/{me}/role-mappings/clients/{client}", [json.loads(body)])
        before = self._numberless()
        try:
            yield
        finally:
            for path, document in before.items():
                self._write("PUT", path, document)
            self.admin("DELETE", f"/users/{self.ids.pop(name)}")

    def _write(self, method, path, document):
        self.admin("GET", "/users/count")  # a token
        status, body = self.call(
            method,
            f"{self.prefix}/admin/realms/linux{path}",
            body=json.dumps(document).encode(),
            token=self.token,
            kind="application/json",
        )
        if status not in (201, 204):
            raise Failed(f"{method} {path}: {status} {body[:200]!r}")

    def change_user(self, user, enabled=True, **attributes):
        """Enabled or not, and attributes that get these values."""
        path = f"/users/{self.user_id(user)}"
        document = json.loads(self.admin("GET", path)[1])
        document["enabled"] = enabled
        document["attributes"] = {**document.get("attributes", {}), **attributes}
        self._write("PUT", path, document)

    def _numberless(self):
        _, body = self.admin("GET", "/users?max=1000&briefRepresentation=false")
        found = {
            f"/users/{user['id']}": user
            for user in json.loads(body)
            if "uidNumber" not in user.get("attributes", {})
        }
        _, body = self.admin("GET", "/groups?max=1000&briefRepresentation=false")
        for group in json.loads(body):
            if "gidNumber" not in group.get("attributes", {}):
                found[f"/groups/{group['id']}"] = group
        return found

    def attribute(self, user, name):
        """An attribute's values as an administrator sees them."""
        _, body = self.admin("GET", f"/users/{self.user_id(user)}")
        return json.loads(body).get("attributes", {}).get(name)

    def user_id(self, user):
        if user not in self.ids:
            status, body = self.admin(
                "GET", f"/users?username={urllib.parse.quote(user)}&exact=true"
            )
            found = json.loads(body) if status == 200 else []
            if len(found) != 1:
                raise Failed(f"the realm has {len(found)} users {user}")
            self.ids[user] = found[0]["id"]
        return self.ids[user]

    def sessions(self, user):
        """How many sessions the user has at the realm."""
        status, body = self.admin("GET", f"/users/{self.user_id(user)}/sessions")
        if status != 200:
            raise Failed(f"sessions of {user}: {status}")
        return len(json.loads(body))

    def failures(self, user):
        """How many failures the realm's brute-force detection counts for the user."""
        _, body = self.admin("GET", f"/attack-detection/brute-force/users/{self.user_id(user)}")
        return json.loads(body)["numFailures"]

    def forget_failures(self):
        self.admin("DELETE", "/attack-detection/brute-force/users")
