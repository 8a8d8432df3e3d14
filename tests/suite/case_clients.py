"""How the host proves itself to the realm, and what providers document.

Each client of the realm file, with the way of authentication that it is registered for.
"""

import hosts
from outcome import expect
from product import configuration
from realms import CA_FILE
from world import anywhere, case, once, over_tls

KEYS = CA_FILE.rsplit("/", 1)[0]
WAYS = [
    ("none", dict(client="linux-pam-public", auth="none", secret=None)),
    ("post", dict(auth="post")),
    ("basic", dict(auth="basic")),
    (
        "secret-jwt",
        dict(
            client="linux-pam-secret-jwt",
            auth="secret-jwt",
            secret="a-secret-of-at-least-32-bytes-for-hs256",
        ),
    ),
    (
        "key-jwt",
        dict(
            client="linux-pam-key-jwt",
            auth="key-jwt",
            secret=None,
            realm_lines=[f"client_key_file = {KEYS}/keyjwt.pem"],
        ),
    ),
    (
        "key-jwt with an EC key",
        dict(
            client="linux-pam-key-jwks",
            auth="key-jwt",
            secret=None,
            realm_lines=[f"client_key_file = {KEYS}/keyjwks.pem"],
        ),
    ),
    (
        "mtls",
        dict(
            client="linux-pam-mtls",
            auth="mtls",
            secret=None,
            realm_lines=[
                f"client_key_file = {KEYS}/host1.key",
                f"client_certificate_file = {KEYS}/host1.crt",
            ],
        ),
    ),
]
ANYBODY = {"access": ["allow = any"]}


def enter(world, user="ada"):
    mark = world.daemon.log.mark()
    seen = hosts.pamtester(
        "pamtester",
        user,
        "authenticate",
        "acct_mgmt",
        answers=[("Password: ", world.password(user))],
    )
    return seen, world.daemon.login(mark, user=user)


for word, settings in WAYS:

    def client_way(world, chosen=settings):
        world.daemon.use(configuration(world.realm, access=ANYBODY, **chosen))
        seen, line = enter(world)
        expect(seen.entered and line["result"] == "ok", f"{seen} {line}")
        seen, line = enter(world)
        expect(seen.entered, f"the second time: {seen} {line}")

    case(f"client authentication: {word}", over_tls if word == "mtls" else anywhere)(client_way)


@case("mtls with another host's certificate is refused", over_tls)
def other_certificate(world):
    world.daemon.use(
        configuration(
            world.realm,
            client="linux-pam-mtls",
            auth="mtls",
            secret=None,
            access=ANYBODY,
            realm_lines=[
                f"client_key_file = {KEYS}/host2.key",
                f"client_certificate_file = {KEYS}/host2.crt",
            ],
        )
    )
    seen, line = enter(world)
    expect(not seen.entered and line["result"] == "misconfigured", f"{seen} {line}")


# client, settings, the log's result and reason
REFUSALS = [
    ("a wrong secret", dict(secret="not-the-secret"), "misconfigured", "client-secret-wrong"),
    ("an unknown client", dict(client="nobody-knows-it"), "misconfigured", "client-unknown"),
    (
        "a disabled client",
        dict(client="linux-pam-disabled", secret="disabled-secret"),
        "misconfigured",
        "client-unknown",
    ),
    (
        "direct grants off",
        dict(client="no-direct", secret="no-direct-secret"),
        "misconfigured",
        "direct-grant-off",
    ),
    (
        "a client that needs consent",
        dict(client="linux-pam-consent", secret="consent-secret"),
        "misconfigured",
        "client-consent-required",
    ),
    (
        "a bearer-only client",
        dict(client="linux-pam-bearer", secret="bearer-secret"),
        "misconfigured",
        "client-bearer-only",
    ),
    (
        "a SAML client",
        dict(client="linux-pam-saml", auth="none", secret=None),
        "misconfigured",
        "client-wrong-protocol",
    ),
    (
        "a scope that the client does not have",
        dict(realm_lines=["scope = nonsense"]),
        "misconfigured",
        "scope-invalid",
    ),
    (
        "lightweight tokens",
        dict(client="linux-pam-light", secret="light-secret"),
        "misconfigured",
        "lightweight-token",
    ),
    (
        "HS256 tokens",
        dict(client="linux-pam-hs256", secret="hs256-secret"),
        "misconfigured",
        "symmetric-token",
    ),
]
for word, settings, result, reason in REFUSALS:

    def refusal(world, chosen=settings, expected=result, why=reason):
        world.daemon.use(configuration(world.realm, access=ANYBODY, **chosen))
        seen, line = enter(world)
        expect(not seen.entered, f"{seen}")
        expect((line["result"], line.get("reason")) == (expected, why), f"{line}")

    case(f"the host's client: {word}")(refusal)

SIGNED = [
    ("es256", "es256-secret"),
    ("ps256", "ps256-secret"),
    ("eddsa", "eddsa-secret"),
    ("atjwt", "atjwt-secret"),
    ("norefresh", "norefresh-secret"),
]
for kind, client_secret in SIGNED:

    def signed(world, name=kind, secret=client_secret):
        world.daemon.use(
            configuration(world.realm, access=ANYBODY, client="linux-pam-" + name, secret=secret)
        )
        seen, line = enter(world)
        expect(seen.entered, f"{seen} {line}")

    case(f"tokens of the client linux-pam-{kind}")(signed)


@case("a required audience")
def audience(world):
    for client, secret, entered in (
        ("linux-pam", "pam-secret-for-tests", True),
        ("linux-pam-noaud", "noaud-secret", False),
    ):
        world.daemon.use(
            configuration(
                world.realm,
                access=ANYBODY,
                client=client,
                secret=secret,
                realm_lines=["audience = linux-pam"],
            )
        )
        seen, line = enter(world)
        expect(seen.entered == entered, f"{client}: {seen} {line}")
        expect(line["reason"] == ("ok" if entered else "claim-missing"), f"{line}")


@case("a scope granted through a role: asked for, and not granted to norole")
def scope_rule(world):
    world.daemon.use(
        configuration(
            world.realm,
            access={"access": ["allow = any", "require = scope:host.login"]},
            realm_lines=["scope = host.login"],
        )
    )
    seen, line = enter(world, "ada")
    expect(seen.entered, f"{seen} {line}")
    seen, line = enter(world, "norole")
    expect(not seen.entered and line.get("reason") == "not-permitted", f"{seen} {line}")


@case("provider: secret in the body, with an optional scope")
def provider_post(world):
    world.daemon.use(
        configuration(
            world.realm,
            auth="post",
            realm_lines=["scope = api.read"],
            access={"access": ["allow = scope:api.read"]},
        )
    )
    seen, line = enter(world)
    expect(seen.entered, f"{seen} {line}")


@case("provider: Basic, Offline refresh token, refresh_expires_in 0")
def provider_offline(world):
    world.daemon.use(
        configuration(
            world.realm, auth="basic", realm_lines=["scope = offline_access"], access=ANYBODY
        )
    )
    seen = world.sshd.log_in("ada", world.password("ada"))
    expect(seen.entered, f"{seen}")
    expect(world.token(seen.variable("KEYCLOAK_ACCESS_TOKEN")), "no token")


@case("provider: a public client whose answer has little in it")
def provider_public(world):
    """Under /auth on the realm that stands there; the demo realm answers with the least it may."""
    with world.realm.minimal_answers():
        world.daemon.use(
            configuration(
                world.realm, client="linux-pam-public", auth="none", secret=None, access=ANYBODY
            )
        )
        seen = world.sshd.log_in("ada", world.password("ada"))
    expect(seen.entered, f"{seen}")
    expect(world.token(seen.variable("KEYCLOAK_ACCESS_TOKEN")), "no token")


@case("the session of a client that is configured no more is not taken for over", once)
def other_client(world):
    """client_id changes while ada is logged in: the log says that her session stays."""
    world.standard()
    before = world.realm.sessions("ada")
    with world.sshd.open("ada", world.password("ada")) as term:
        mark = world.daemon.reload(
            configuration(world.realm, client="linux-pam-public", auth="none", secret=None)
        )
        world.daemon.log.event(mark, "reload", result="ok")
        term.send(b"\x04", newline=False)
        term.finish()
        line = world.daemon.log.event(mark, "logout", reason="realm-wrong-client")
        expect(line["result"] == "misconfigured" and "client_id" in line["advice"], f"{line}")
    expect(world.realm.sessions("ada") == before + 1, "the realm let another client end it")
    world.daemon.stop()
