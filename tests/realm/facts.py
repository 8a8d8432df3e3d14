"""Asks a realm the same few dozen questions and writes down what it answers.

Used by likeness.py, which holds the demo realm against a real Keycloak, and by the demo realm's own
tests. Nothing here knows which server it talks to.
"""
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import os
import re
import ssl
import struct
import subprocess
import time
import urllib.parse

KEYS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "keys")
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "realm", "linux.json")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PAUSE = 0.02  # Keycloak still refuses some of a user's grants in the first milliseconds after one


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def totp(secret, at=None, step=0):
    """RFC 6238 with SHA-1, six digits, thirty seconds."""
    counter = int((at or time.time()) // 30) + step
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    offset = mac[-1] & 15
    return "%06d" % ((struct.unpack(">I", mac[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000)


def der_to_raw(der, size):
    """An ECDSA signature from DER to r || s."""
    def integer(at):
        length = der[at + 1]
        return int.from_bytes(der[at + 2:at + 2 + length], "big"), at + 2 + length
    r, at = integer(2)
    s, _ = integer(at)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def assertion(alg, key, claims, header=None):
    """A signed client assertion; `key` is bytes for HS256, a file name for the others."""
    head = {"alg": alg, "typ": "JWT", **(header or {})}
    signed = b64url(json.dumps(head).encode()) + "." + b64url(json.dumps(claims).encode())
    if alg == "none":
        return signed + "."
    if alg.startswith("HS"):
        mac = hmac.new(key, signed.encode(), getattr(hashlib, "sha" + alg[2:])).digest()
    else:
        mac = subprocess.run(["openssl", "dgst", "-sha256", "-sign", os.path.join(KEYS, key)],
                             input=signed.encode(), capture_output=True, check=True).stdout
        if alg == "ES256":
            mac = der_to_raw(mac, 32)
    return signed + "." + b64url(mac)


class Realm:
    """One realm at a base URL such as http://localhost:8080/auth."""

    def __init__(self, base, name="linux", ca=None, cert=None):
        self.base = base.rstrip("/")
        self.name = name
        self.ca = ca
        self.url = urllib.parse.urlsplit(self.base)
        self.context = None
        if self.url.scheme == "https":
            self.context = ssl.create_default_context(cafile=ca)
            if cert:
                self.context.load_cert_chain(*cert)

    @property
    def issuer(self):
        return "%s/realms/%s" % (self.base, self.name)

    @staticmethod
    def password(user):
        """A user's password as the realm file has it."""
        with open(FILE) as file:
            users = {u["username"]: u for u in json.load(file)["users"]}
        return users[user]["credentials"][0]["value"]

    def connect(self):
        if self.context:
            return http.client.HTTPSConnection(self.url.hostname, self.url.port, timeout=30,
                                               context=self.context)
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=30)

    def ask(self, method, path, form=None, headers=None, body=None, connection=None):
        """path is below the realm, or below the base when it begins with a slash."""
        head = {"Accept": "application/json", **(headers or {})}
        if form is not None:
            body = urllib.parse.urlencode(form)
            head.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if not path.startswith("/"):
            path = "/realms/%s/%s" % (self.name, path)
        own = connection or self.connect()
        try:
            own.request(method, self.url.path + path, body=body, headers=head)
            answer = own.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            if not connection:
                own.close()

    def token(self, form, headers=None, **more):
        answer = self.ask("POST", "protocol/openid-connect/token", form, headers, **more)
        time.sleep(PAUSE)
        return answer

    def grant(self, user, password, client="linux-pam", secret="pam-secret-for-tests", **more):
        form = {"grant_type": "password", "client_id": client, "username": user,
                "password": password, **more}
        if secret:
            form["client_secret"] = secret
        return self.token({k: v for k, v in form.items() if v is not None})


class Answer:
    whole = False  # whether all that the body says is compared

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def access(self):
        return payload(self.json["access_token"])


def header(token):
    return json.loads(unb64url(token.split(".")[0]))


def payload(token):
    return json.loads(unb64url(token.split(".")[1]))


def kind(value):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, list):
        kinds = {json.dumps(kind(v)) if isinstance(v, dict) else kind(v) for v in value}
        return "list of " + "/".join(sorted(kinds))
    if isinstance(value, dict):
        return {k: kind(v) for k, v in sorted(value.items())}
    return type(value).__name__


def form_of(text):
    """The shape of an identifier: each run of hex, letters or digits by its length."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)


STABLE = ("iss", "aud", "azp", "typ", "acr", "scope", "preferred_username", "email", "name",
          "given_name", "family_name", "email_verified", "allowed-origins", "clientId",
          "client_id", "username", "token_type", "active", "clientHost", "clientAddress", "upn")


VARYING = ("exp", "iat", "sub", "jti", "sid")


def token_facts(token, base):
    """What a token says, with all that differs from run to run taken out."""
    head, body = header(token), payload(token)
    facts = {"header": {k: (v if k in ("alg", "typ") else kind(v)) for k, v in head.items()}}
    claims = {}
    for name, value in body.items():
        if name in STABLE:
            claims[name] = sorted(value.split()) if name == "scope" else (
                sorted(value) if isinstance(value, list) else value)
        elif name in ("realm_access",):
            claims[name] = {"roles": sorted(value["roles"])}
        elif name in ("resource_access",):
            claims[name] = {k: sorted(v["roles"]) for k, v in value.items()}
        elif name == "groups":
            claims[name] = sorted(value)
        elif name == "jti":
            claims[name] = form_of(value)
        elif name in ("sid", "session_state"):
            claims[name] = "UUID" if form_of(value) == "UUID" else "%d characters" % len(value)
        else:
            claims[name] = kind(value)
    if "exp" in body and "iat" in body:
        claims["exp - iat"] = body["exp"] - body["iat"]
    facts["claims"] = claims
    return json.loads(json.dumps(facts).replace(json.dumps(base)[1:-1], "BASE"))


WITNESSES = 3  # how many entries of a long list are compared whole, and not by their names alone


def ordered(entries):
    """A list of groups or roles: what Keycloak leaves to chance has one order here."""
    if all("clientRole" in entry for entry in entries):
        return sorted(entries, key=lambda entry: entry["name"])
    return [entry for _, same in itertools.groupby(entries, lambda entry: entry["name"])
            for entry in sorted(same, key=lambda entry: entry["path"])]


def document(value, name=""):
    """A document of the Admin API, without what differs from run to run."""
    if isinstance(value, dict):
        return {key: document(inner, key) for key, inner in value.items()}
    if name == "createdTimestamp":
        return "number" if isinstance(value, int) and value > 10 ** 12 else value
    if isinstance(value, str):
        return form_of(value)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return value
    if value and all("name" in e and ("path" in e or "clientRole" in e) for e in value):
        value = ordered(sorted(value, key=lambda e: e["name"]) if name == "subGroups" else value)
    names = [entry.get("username", entry.get("path", entry.get("name"))) for entry in value]
    return {"names": names,
            **{str(i): document(entry) for i, entry in enumerate(value[:WITNESSES])}}


def answer_facts(answer, base):
    facts = {"status": answer.status}
    for name in ("Content-Type", "Cache-Control", "Pragma", "WWW-Authenticate", "Location"):
        if answer.headers.get(name):
            facts[name] = answer.headers[name]
    data = answer.json
    if data is None:
        facts["body"] = "empty" if not answer.body else "not JSON"
        return facts
    if answer.whole:
        facts["body"] = document(data)
        return facts
    if not isinstance(data, dict):
        facts["body"] = kind(data)
        return facts
    members = {}
    for name, value in data.items():
        if name in ("access_token", "id_token"):
            members[name] = token_facts(value, base)
        elif name == "refresh_token":
            members[name] = {"alg": header(value)["alg"],
                             "typ": payload(value).get("typ")}
        elif name == "scope":
            members[name] = sorted(value.split())
        elif name in ("expires_in", "refresh_expires_in"):
            members[name] = "about %d" % ((value + 5) // 10 * 10)  # a second may have passed
        elif name == "public_key":
            members[name] = kind(value)
        elif name == "scopes_supported":
            members[name] = sorted(value)
        elif name == "error_description":
            members[name] = value.replace("//127.0.0.1:", "//localhost:")
        elif name == "not-before-policy":
            members[name] = kind(value)
        elif isinstance(value, str) and name == "session_state":
            members[name] = "UUID" if form_of(value) == "UUID" else "%d characters" % len(value)
        elif isinstance(value, (str, bool, int)) and name not in VARYING:
            members[name] = value
        else:
            members[name] = kind(value)
    facts["members"] = members
    return json.loads(json.dumps(facts).replace(json.dumps(base)[1:-1], "BASE"))
