"""The questions that likeness.py asks a realm, in an order that locks nobody out before its time.

Each function takes a Realm and yields (name, answer). The realm is that of realm/linux.json, fresh.
"""
import base64
import os
import time
import urllib.parse
import uuid

import admin_questions
from facts import ASSERTION, KEYS, PAUSE, Realm, assertion, totp

TOKEN = "protocol/openid-connect/token"
LOGOUT = "protocol/openid-connect/logout"
REVOKE = "protocol/openid-connect/revoke"
INTROSPECT = TOKEN + "/introspect"
CERTS = "protocol/openid-connect/certs"
DISCOVERY = ".well-known/openid-configuration"
ADA = {"grant_type": "password", "client_id": "linux-pam",
       "client_secret": "pam-secret-for-tests", "username": "ada", "password": "ada-pass"}
CLIENT = {"client_id": "linux-pam", "client_secret": "pam-secret-for-tests"}
TOTP = "JBSWY3DPEHPK3PXP"
SHARED = b"a-secret-of-at-least-32-bytes-for-hs256"


def form(**changes):
    """Ada's login with changes; None takes a parameter away."""
    return [(k, v) for k, v in {**ADA, **changes}.items() if v is not None]


def basic(client, secret, encode=True):
    if encode:
        client, secret = urllib.parse.quote_plus(client), urllib.parse.quote_plus(secret)
    return {"Authorization":
            "Basic " + base64.b64encode(("%s:%s" % (client, secret)).encode()).decode()}


def raw_basic(text):
    return {"Authorization": "Basic " + text}


def scopes(realm):
    yield "a login", realm.token(form())
    for scope in ("openid", "offline_access", "openid offline_access",
                  "api.read host.login host.ssh microprofile-jwt", "profile", "roles",
                  "api.read api.read", "nope", "openid nope api.read", "", " api.read  openid "):
        yield "scope " + repr(scope), realm.token(form(scope=scope))
    yield "scopes without the roles", realm.token(
        form(username="norole", password="norole-pass", scope="host.login host.ssh api.read"))
    yield "unassigned scope", realm.token(
        form(client_id="linux-pam-public", client_secret=None, scope="api.read"))
    yield "bad scope, wrong password", realm.token(form(scope="nope", password="x"))
    yield "bad scope, disabled", realm.token(
        form(scope="nope", username="frozen", password="frozen-pass"))
    yield "bad scope, action", realm.token(
        form(scope="nope", username="mustchange", password="old-pass"))


def users(realm):
    yield "row 1: wrong password", realm.token(form(password="x"))
    yield "right after wrong", realm.token(form())
    yield "row 2: unknown user", realm.token(form(username="nobody"))
    for name in ("Ada", "ada@example.test", "ADA@example.TEST"):
        yield "name " + name, realm.token(form(username=name))
    yield "row 7: disabled", realm.token(form(username="frozen", password="frozen-pass"))
    yield "disabled, wrong password", realm.token(form(username="frozen"))
    yield "row 8: service account", realm.token(
        form(username="service-account-linux-nss", password="x"))
    for user, password in (("mustchange", "old-pass"), ("halfprofile", "half-pass"),
                           ("terms", "terms-pass"), ("updprofile", "updprofile-pass"),
                           ("cfgtotp", "cfgtotp-pass"), ("webauthn", "webauthn-pass")):
        yield "row 9: " + user, realm.token(form(username=user, password=password))
    yield "action, wrong password", realm.token(form(username="mustchange"))
    yield "action again", realm.token(form(username="mustchange", password="old-pass"))
    for user, password in (("nomail", "nomail-pass"), ("tempass", "temp-pass"), ("nopass", "x"),
                           ("root", "root-pass"), ("j\u00fcrgen", "juergen-pass"),
                           ("UPPER", "upper-pass"), ("x y", "space-pass"), ("-dash", "dash-pass"),
                           ("a:b", "colon-pass"), ("noattrs", "noattrs-pass"),
                           ("nodefaults", "nodefaults-pass"), ("nested", "nested-pass"),
                           ("manygroups", "manygroups-pass"), ("baduid", "baduid-pass"),
                           ("averyveryverylongusername-0123456789", "long-pass"),
                           ("service-account-like", "service-account-like-pass")):
        yield "user " + user, realm.token(form(username=user, password=password))


def passwords(realm):
    trouble = realm.password("trouble")
    yield "odd password", realm.token(form(username="trouble", password=trouble))
    yield "odd password cut", realm.token(form(username="trouble", password=trouble[:-1]))
    yield "odd password again", realm.token(form(username="trouble", password=trouble))
    yield "long password", realm.token(
        form(username="longpass", password=realm.password("longpass")))
    yield "row 10: no username", realm.token(form(username=None))
    yield "empty username", realm.token(form(username=""))
    for name, value in (("no password", None), ("empty password", ""), ("100 kB", "x" * 100000)):
        yield name, realm.token(form(password=value))
        yield name + ", then right", realm.token(form())


def one_time_codes(realm):
    grace = {"username": "grace", "password": "grace-pass"}
    wrong = "%06d" % ((int(totp(TOTP)) + 7) % 1000000)
    right = realm.token(form(**grace, totp=totp(TOTP)))
    yield "row 3: no code", realm.token(form(**grace))
    yield "code", right
    yield "row 4: wrong code", realm.token(form(**grace, totp=wrong))
    yield "code as otp", realm.token(form(**grace, otp=totp(TOTP)))
    yield "code of the step before", realm.token(form(**grace, otp=totp(TOTP, step=-1)))
    yield "otp before totp", realm.token(form(**grace, otp=wrong, totp=totp(TOTP)))
    yield "code, then", realm.token(form(**grace, totp=totp(TOTP)))
    yield "empty otp before totp", realm.token(form(**grace, otp="", totp=totp(TOTP)))
    yield "code, at last", realm.token(form(**grace, totp=totp(TOTP)))


def client_secrets(realm):
    none = {"client_id": None, "client_secret": None}
    yield "row 14: no client", realm.token(form(**none))
    yield "row 12: unknown client", realm.token(form(client_id="nope"))
    yield "row 12: disabled client", realm.token(
        form(client_id="linux-pam-disabled", client_secret="disabled-secret"))
    for secret in ("x", None, ""):
        yield "row 13: secret %r" % secret, realm.token(form(client_secret=secret))
    yield "public client", realm.token(form(client_id="linux-pam-public", client_secret=None))
    yield "public client, secret", realm.token(form(client_id="linux-pam-public"))
    headers = (("basic", basic("linux-pam", "pam-secret-for-tests")),
               ("basic wrong", basic("linux-pam", "x")), ("basic unknown", basic("nope", "x")),
               ("basic encoded", raw_basic(base64.b64encode(
                   b"linux%2Dpam:pam%2Dsecret-for-tests").decode())),
               ("basic garbage", raw_basic("!!!")),
               ("basic without colon", raw_basic(base64.b64encode(b"linux-pam").decode())),
               ("basic bad escape", raw_basic(base64.b64encode(b"linux-pam:%zz").decode())),
               ("basic in lower case", {"Authorization": basic(
                   "linux-pam", "pam-secret-for-tests")["Authorization"].replace("B", "b", 1)}),
               ("basic public", basic("linux-pam-public", "")),
               ("row 15: bearer", {"Authorization": "Bearer x"}))
    for name, header in headers:
        yield name, realm.token(form(**none), header)
    for name, header in (("garbage", raw_basic("!!!")), ("bearer", {"Authorization": "Bearer x"}),
                         ("another client", basic("no-direct", "no-direct-secret")),
                         ("a wrong secret", basic("linux-pam", "x"))):
        yield "body beside " + name, realm.token(form(), header)
    yield "client_id beside basic", realm.token(form(client_id="no-direct", client_secret=None),
                                                basic("linux-pam", "pam-secret-for-tests"))


def kinds_of_clients(realm):
    yield "row 20: no direct grants", realm.token(
        form(client_id="no-direct", client_secret="no-direct-secret", scope="nope"))
    yield "row 21: consent", realm.token(
        form(client_id="linux-pam-consent", client_secret="consent-secret", scope="nope"))
    yield "row 22: bearer-only", realm.token(
        form(client_id="linux-pam-bearer", client_secret="bearer-secret"))
    yield "row 23: SAML", realm.token(form(client_id="linux-pam-saml", client_secret=None))
    for client in ("admin-cli", "account", "broker", "realm-management"):
        yield client, realm.token(form(client_id=client, client_secret=None))
    for client in ("light", "es256", "ps256", "eddsa", "hs256", "atjwt", "norefresh", "leaf",
                   "noaud", "gated"):
        yield "client " + client, realm.token(
            form(client_id="linux-pam-" + client, client_secret=client + "-secret"))
    yield "light, openid", realm.token(
        form(client_id="linux-pam-light", client_secret="light-secret", scope="openid"))
    yield "gated, no role", realm.token(
        form(client_id="linux-pam-gated", client_secret="gated-secret", username="norole",
             password="norole-pass"))
    dpop = {"client_id": "linux-pam-dpop", "client_secret": "dpop-secret"}
    yield "row 29: DPoP missing", realm.token(form(**dpop))
    yield "DPoP, wrong secret", realm.token(form(client_id="linux-pam-dpop", client_secret="x"))
    yield "DPoP garbage", realm.token(form(), {"DPoP": "x"})
    for client in ("secret-jwt", "key-jwt", "mtls"):
        yield client + " without", realm.token(
            form(client_id="linux-pam-" + client, client_secret=None))
        yield client + " with a secret", realm.token(form(client_id="linux-pam-" + client))


def requests(realm):
    yield "row 27: no grant_type", realm.token(form(grant_type=None))
    for grant in ("", "nope", "authorization_code"):
        yield "row 27: grant_type %r" % grant, realm.token(form(grant_type=grant))
    yield "no grant_type, no client", realm.token(
        form(grant_type=None, client_id=None, client_secret=None))
    yield "bad grant_type, bad client", realm.token(form(grant_type="nope", client_id="nope"))
    for name in ("username", "foo", "scope", "grant_type", "resource"):
        yield "row 28: two of " + name, realm.token(form() + [(name, "1"), (name, "2")])
    yield "two of one, bad client", realm.token([("client_id", "nope")] + form())
    yield "two of one, wrong secret", realm.token(
        form(client_secret="x") + [("foo", "1"), ("foo", "1")])
    yield "row 31: unknown realm", realm.ask("POST", "/realms/nope/" + TOKEN, form())
    yield "realm in another case", realm.ask("GET", "/realms/Linux/" + CERTS)
    yield "row 34: wrong path", realm.ask("POST", "/nowhere/realms/linux/" + TOKEN, form())
    yield "nothing there", realm.ask("GET", "protocol/openid-connect/nope")
    yield "row 35: Origin", realm.ask("POST", TOKEN, form(), {"Origin": "http://x.example"})
    yield "row 38: a page for browsers", realm.ask("POST", "/realms/nope/" + TOKEN, form(),
                                                   {"Accept": "text/html"})
    time.sleep(PAUSE)
    for accept in ("*/*", "application/xml"):
        yield "Accept " + accept, realm.token(form(), {"Accept": accept})
    body = urllib.parse.urlencode(form())
    for kind in ("application/json", "text/plain", "Application/X-WWW-Form-Urlencoded",
                 "application/x-www-form-urlencoded; charset=utf-8"):
        yield "Content-Type " + kind, realm.token(None, {"Content-Type": kind}, body=body)
    for tail in ("x=%zz", "x=%2", "a&b&&"):
        yield "body with " + tail, realm.token(
            None, {"Content-Type": "application/x-www-form-urlencoded"}, body=body + "&" + tail)
    yield "NUL in a name", realm.token(form(username="ada\0x"))
    yield "query beside the body", realm.ask("POST", TOKEN + "?client_id=nope", form())
    time.sleep(PAUSE)
    yield "a field too large", realm.token(form(password="x" * 140000))
    yield "a large body", realm.token([("f%d" % i, "x" * 1000) for i in range(200)] + form())
    yield "too many fields", realm.token(form() + [("f%d" % i, "1") for i in range(1100)])


def documents(realm):
    yield "discovery", realm.ask("GET", DISCOVERY)
    yield "discovery, unknown realm", realm.ask("GET", "/realms/nope/" + DISCOVERY)
    yield "discovery POSTed", realm.ask("POST", DISCOVERY, {})
    yield "certs", realm.ask("GET", CERTS)
    yield "certs with a slash", realm.ask("GET", CERTS + "/")
    yield "certs POSTed", realm.ask("POST", CERTS, {})
    yield "HEAD of certs", realm.ask("HEAD", CERTS)
    yield "the realm", realm.ask("GET", "/realms/linux")
    for method in ("GET", "PUT", "DELETE"):
        yield "token by " + method, realm.ask(method, TOKEN)


def paths_of_26(realm):
    for path in ("protocol//openid-connect/certs", "protocol/./openid-connect/certs",
                 "protocol/../protocol/openid-connect/certs", "protocol/openid%2dconnect/certs"):
        yield "path " + path, realm.ask("GET", path)


def refreshing(realm):
    def refresh(token, **changes):
        fields = {"grant_type": "refresh_token", "refresh_token": token, **CLIENT, **changes}
        return realm.token({k: v for k, v in fields.items() if v is not None})
    answer = realm.token(form()).json
    token = answer["refresh_token"]
    for scope in (None, "openid", "profile", "nope"):
        yield "refresh, scope %r" % scope, refresh(token, scope=scope)
    for name, value in (("none", None), ("empty", ""), ("garbage", "xxx"), ("dots", "a.b.c"),
                        ("an access token", answer["access_token"])):
        yield "refresh with " + name, refresh(value)
    yield "refresh, another client", refresh(token, client_id="linux-pam-public",
                                             client_secret=None)
    yield "refresh, wrong secret", refresh(token, client_secret="x")
    elsewhere = Realm(realm.base.replace("localhost", "127.0.0.1"), ca=realm.ca)
    for path in (TOKEN, LOGOUT):
        yield "issuer of another name " + path, elsewhere.ask(
            "POST", path, {"grant_type": "refresh_token", "refresh_token": token, **CLIENT})
    fresh = refresh(token).json["refresh_token"]
    for name, value in (("garbage", "x"), ("an access token", answer["access_token"])):
        yield "logout with " + name, realm.ask("POST", LOGOUT, {**CLIENT, "refresh_token": value})
    for name, who in (("another client", {"client_id": "linux-pam-public"}),
                      ("a wrong secret", {**CLIENT, "client_secret": "x"}),
                      ("an unknown client", {"client_id": "nope"}), ("no client", {})):
        yield "logout by " + name, realm.ask("POST", LOGOUT, {**who, "refresh_token": token})
    yield "logout without a token", realm.ask("POST", LOGOUT, CLIENT)
    yield "logout", realm.ask("POST", LOGOUT, {**CLIENT, "refresh_token": fresh})
    yield "logout again", realm.ask("POST", LOGOUT, {**CLIENT, "refresh_token": token})
    yield "refresh after logout", refresh(token)
    offline = realm.token(form(scope="offline_access")).json["refresh_token"]
    yield "offline refresh", refresh(offline)
    yield "offline logout", realm.ask("POST", LOGOUT, {**CLIENT, "refresh_token": offline})
    yield "offline refresh after logout", refresh(offline)


def revoking(realm):
    first = realm.token(form()).json
    second = realm.token(form()).json
    yield "revoke an access token", realm.ask("POST", REVOKE,
                                              {**CLIENT, "token": second["access_token"]})
    yield "revoke garbage", realm.ask("POST", REVOKE, {**CLIENT, "token": "x"})
    yield "revoke nothing", realm.ask("POST", REVOKE, CLIENT)
    yield "revoke, another client", realm.ask(
        "POST", REVOKE, {"client_id": "linux-pam-public", "token": first["refresh_token"]})
    yield "revoke, wrong secret", realm.ask(
        "POST", REVOKE, {**CLIENT, "client_secret": "x", "token": first["refresh_token"]})
    yield "revoke", realm.ask("POST", REVOKE, {**CLIENT, "token": first["refresh_token"]})
    yield "revoke again", realm.ask("POST", REVOKE, {**CLIENT, "token": first["refresh_token"]})


def introspecting(realm):
    answer = realm.token(form(scope="openid")).json
    token = {"token": answer["access_token"]}
    yield "introspect", realm.ask("POST", INTROSPECT, {**CLIENT, **token})
    yield "introspect garbage", realm.ask("POST", INTROSPECT, {**CLIENT, "token": "x"})
    yield "introspect nothing", realm.ask("POST", INTROSPECT, CLIENT)
    for name, who in (("a public client", {"client_id": "linux-pam-public"}),
                      ("a wrong secret", {**CLIENT, "client_secret": "x"}),
                      ("an unknown client", {"client_id": "nope"}),
                      ("no audience", {"client_id": "no-direct",
                                       "client_secret": "no-direct-secret"})):
        yield "introspect by " + name, realm.ask("POST", INTROSPECT, {**who, **token})
    realm.ask("POST", LOGOUT, {**CLIENT, "refresh_token": answer["refresh_token"]})
    yield "introspect after logout", realm.ask("POST", INTROSPECT, {**CLIENT, **token})


def service_accounts(realm):
    def ask(client, secret, **more):
        fields = {"grant_type": "client_credentials", "client_id": client,
                  "client_secret": secret, **more}
        return realm.token({k: v for k, v in fields.items() if v is not None})
    yield "service account", ask("linux-nss", "nss-secret-for-tests")
    for kind in ("query", "none"):
        yield "service account " + kind, ask("linux-nss-" + kind, "linux-nss-%s-secret" % kind)
    for scope in ("openid", "offline_access", "zz"):
        yield "service account, scope " + scope, ask("linux-nss", "nss-secret-for-tests",
                                                     scope=scope)
    yield "service account off", ask("linux-pam", "pam-secret-for-tests")
    yield "service account, public", ask("linux-pam-public", None)
    yield "service account, bearer-only", ask("linux-pam-bearer", "bearer-secret")


def certificates(realm):
    """Over https only, and only where the server asks for client certificates."""
    def ask(name):
        pair = (os.path.join(KEYS, name + ".crt"), os.path.join(KEYS, name + ".key"))
        with_one = Realm(realm.base, ca=realm.ca, cert=pair)
        return with_one.token(form(client_id="linux-pam-mtls", client_secret=None))
    yield "certificate", ask("host1")
    yield "row 18: another certificate", ask("host2")


def locking(realm):
    user = {"username": "locktest", "password": "x"}
    for i in range(4):
        yield "row 6: failure %d" % i, realm.token(form(**user))
        time.sleep(0.2)
    yield "row 6: locked, right password", realm.token(form(username="locktest",
                                                            password="lock-pass"))


class Signer:
    """Ada's login by a client that signs; each call may spoil one thing."""

    def __init__(self, realm, client, alg, key):
        self.realm, self.client, self.alg, self.key = realm, client, alg, key

    def fields(self, alg=None, key=None, header=None, drop=(), kind=ASSERTION, named=True,
               **claims):
        now = int(time.time())
        body = {"iss": self.client, "sub": self.client, "aud": self.realm.issuer,
                "exp": now + 30, "iat": now, "jti": str(uuid.uuid4())}
        for name, value in claims.items():
            body[name] = now + value if name in ("exp", "iat", "nbf") else value
        for name in drop:
            body.pop(name)
        signed = assertion(alg or self.alg, key or self.key, body, header)
        return form(client_id=self.client if named else None, client_secret=None) + [
            ("client_assertion_type", kind), ("client_assertion", signed)]

    def __call__(self, **changes):
        return self.realm.token(self.fields(**changes))


def signing(realm, client, alg, key, foreign):
    ask = Signer(realm, client, alg, key)
    spoilt = {
        "": {}, "without client_id": {"named": False},
        "aud the endpoint": {"aud": realm.issuer + "/" + TOKEN},
        "aud a list": {"aud": [realm.issuer]},
        "aud two": {"aud": [realm.issuer, "x"]}, "aud bad": {"aud": "x"},
        "no aud": {"drop": ("aud",)}, "exp past": {"exp": -1}, "exp long past": {"exp": -100},
        "exp far": {"exp": 3600}, "no exp": {"drop": ("exp",)}, "iat old": {"iat": -70},
        "iat ahead 10": {"iat": 10}, "iat ahead 100": {"iat": 100}, "no iat": {"drop": ("iat",)},
        "no iat, exp far": {"drop": ("iat",), "exp": 600},
        "no iat, no exp": {"drop": ("iat", "exp")}, "no jti": {"drop": ("jti",)},
        "nbf 100": {"nbf": 100}, "nbf 10": {"nbf": 10}, "iss bad": {"iss": "zzz"},
        "no iss": {"drop": ("iss",)}, "sub bad": {"sub": "zzz"}, "no sub": {"drop": ("sub",)},
        "sub of another": {"named": False, "sub": "linux-pam-public", "iss": "linux-pam-public"},
        "sub unknown": {"named": False, "sub": "nope", "iss": "nope"},
        "alg none": {"alg": "none"}, "kid unknown": {"header": {"kid": "zzz"}},
        "kind bad": {"kind": "x"}, "HS256 of another": {"alg": "HS256", "key": b"x" * 40},
        "HS512": {"alg": "HS512", "key": SHARED},
    }
    if foreign:
        spoilt["another key"] = {"key": foreign}
    for name, changes in spoilt.items():
        yield "%s: %s" % (client, name), ask(**changes)
    once = ask.fields()
    yield client + ": once", realm.token(once)
    yield client + ": twice", realm.token(once)
    for name, value in (("garbage", "xx"), ("dots", "x.y.z"), ("none", None)):
        yield "%s: assertion %s" % (client, name), realm.token(
            form(client_id=client, client_secret=None, client_assertion_type=ASSERTION,
                 client_assertion=value))
    yield client + ": two", realm.token(ask.fields() + [("client_assertion", "x")])
    yield client + ": other client_id", realm.token(
        [(k, "linux-pam" if k == "client_id" else v) for k, v in ask.fields()])


def assertions(realm):
    yield from signing(realm, "linux-pam-key-jwt", "RS256", "keyjwt.pem", "host1.key")
    yield from signing(realm, "linux-pam-key-jwks", "ES256", "keyjwks.pem", None)
    yield from signing(realm, "linux-pam-secret-jwt", "HS256", SHARED, b"y" * 40)
    yield "assertion of a client with a secret", realm.token(
        form(client_assertion_type=ASSERTION, client_assertion="xx"))


ALL = admin_questions.ALL + (
    scopes, users, passwords, one_time_codes, client_secrets, kinds_of_clients, requests, documents,
    refreshing, revoking, introspecting, service_accounts, assertions, locking)
