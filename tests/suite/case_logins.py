"""Every way in, with the person's view and the log line of each outcome.

The table below is asserted for every host program, so that they cannot drift apart.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import hosts
from outcome import expect
from world import WRONG, case

# outcome, user, password (None: the user's own), the log's result and reason
OUTCOMES = [
    ("right password", "ada", None, "ok", "ok"),
    ("wrong password", "locktest", WRONG, "denied", "bad-credentials"),
    ("disabled user", "frozen", None, "denied", "account-disabled"),
    ("pending action", "mustchange", None, "denied", "action-required"),
    ("no role", "norole", None, "denied", "not-permitted"),
]

# What the daemon tells the person; sshd keeps it back until its next prompt, which does not come.
TOLD = {
    "disabled user": "Your account is disabled.",
    "pending action": "Finish its set-up at {issuer}/account",
}
# What the program itself says of each PAM code; where it says the same of all, under None.
SAID = {
    "sshd": {None: "Permission denied (publickey,password,keyboard-interactive)."},
    "su": {
        "wrong password": "su: Authentication failure",
        "disabled user": "su: User account has expired",
        "pending action": "su: Permission denied",
        "no role": "su: Permission denied",
    },
    "sudo": {
        None: "sudo: 1 incorrect password attempt",
        "disabled user": "sudo: PAM authentication error: User account has expired",
    },
    "login": {None: "Login incorrect"},
    "pamtester": {
        "wrong password": "pamtester: Authentication failure",
        "disabled user": "pamtester: User account has expired",
        "pending action": "pamtester: Permission denied",
        "no role": "pamtester: Permission denied",
    },
}


def through_sshd(method):
    def enter(world, user, password):
        return world.sshd.log_in(user, password, method)

    return enter


def through_su(world, user, password):
    return hosts.su("carol", user, password)


def through_sudo(world, user, password):
    return hosts.sudo(user, password)


def through_login(world, user, password):
    return hosts.login(user, password)


def through_pamtester(world, user, password):
    return hosts.pamtester(
        "pamtester", user, "authenticate", "acct_mgmt", answers=[("Password: ", password)]
    )


PROGRAMS = [
    ("sshd password", "sshd", through_sshd("password")),
    ("sshd keyboard-interactive", "sshd", through_sshd("keyboard-interactive")),
    ("su", "su", through_su),
    ("sudo", "sudo", through_sudo),
    ("login", "login", through_login),
    ("pamtester", "pamtester", through_pamtester),
]


def assert_view(world, service, outcome, seen):
    """What the person reads about a refusal, and that it is no more than they may know."""
    said = SAID[service].get(outcome, SAID[service].get(None))
    expect(said in seen.shown, f"{outcome}: not {said!r} but {seen}")
    told = TOLD.get(outcome, "").format(issuer=world.realm.issuer)
    if service != "sshd":
        expect(told in seen.shown, f"{outcome}: not {told!r} but {seen}")
    if outcome == "wrong password":
        for text in TOLD.values():
            expect(text.split("{")[0] not in seen.shown, f"a stranger is told: {seen}")


def assert_outcome(world, service, enter, row):
    outcome, user, password, result, reason = row
    mark = world.standard()
    seen = enter(world, user, world.password(user) if password is None else password)
    line = world.daemon.login(mark, user=user, service=service, result=result)
    expect(seen.entered == (result == "ok"), f"{outcome}: {seen} {line}")
    expect(line["reason"] == reason, f"{outcome}: the log says {line}")
    expect(re.fullmatch(r"\d+", line.get("ms", "")), f"the log line has no ms: {line}")
    expect(line["rhost"] == ("127.0.0.1" if service == "sshd" else "-"), f"rhost: {line}")
    if not seen.entered:
        assert_view(world, service, outcome, seen)
    world.realm.forget_failures()


for program, service_name, way in PROGRAMS:
    for row_of in OUTCOMES:

        def function(world, service=service_name, enter=way, row=row_of):
            assert_outcome(world, service, enter, row)

        case(f"{program}: {row_of[0]}")(function)


@case("sshd password: unknown user")
def sshd_unknown(world):
    world.standard()
    world.daemon.quiet(world.realm)
    sent = world.realm.relay.bytes_up
    seen = world.sshd.log_in("nosuchuser", WRONG)
    expect(not seen.entered and "Permission denied" in seen.shown, f"{seen}")
    expect(world.realm.relay.bytes_up == sent, "a password for an unknown user reached the realm")


@case("login: unknown user")
def login_unknown(world):
    world.standard()
    seen = hosts.login("nosuchuser", WRONG)
    expect(not seen.entered and "Login incorrect" in seen.shown, f"{seen}")


@case("su: unknown user")
def su_unknown(world):
    world.standard()
    seen = hosts.su("carol", "nosuchuser", None)
    expect(not seen.entered and "does not exist" in seen.shown, f"{seen}")


@case("pamtester: unknown user")
def pamtester_unknown(world):
    world.standard()
    seen = hosts.pamtester(
        "pamtester", "nosuchuser", "authenticate", answers=[("Password: ", WRONG)]
    )
    expect(not seen.entered, f"{seen}")


@case("sshd: the dummy password never reaches the realm (lesson 28)")
def dummy(world):
    """sshd sends it for names that it does not know or may not let in: DENIED is one of those."""
    mark = world.standard()
    world.daemon.quiet(world.realm)
    sent = world.realm.relay.bytes_up
    for method in ("password", "keyboard-interactive"):
        for typed in ("x", "abc", world.password(hosts.DENIED), "a" * 40):
            seen = world.sshd.log_in(hosts.DENIED, typed, method)
            expect(not seen.entered, f"{typed!r} opened the door: {seen}")
            world.daemon.login(
                mark, user=hosts.DENIED, service="sshd", result="denied", reason="dummy-password"
            )
            mark = world.daemon.log.mark()
        world.sshd.log_in("nosuchuser", "letmein", method)
        world.sshd.log_in("root", "letmein", method)
    expect(world.realm.relay.bytes_up == sent, "something of it reached the realm")


@case("sshd public key: acct_mgmt alone")
def public_key(world):
    """A listed local account's own key is not gated here, and there is no token without a grant."""
    world.standard()
    world.sshd.authorize("ada")
    seen = world.sshd.key_log_in("ada")
    expect(seen.entered, f"{seen}")
    expect(seen.variable("KEYCLOAK_ACCESS_TOKEN") is None, "a token from nowhere")
    expect(seen.variable("KCLOGIN_SESSION") is None, "a session from nowhere")


@case("sudo: gated by its own rule")
def sudo_gate(world):
    """keys may log in, and may not sudo: [access sudo] replaces [access]."""
    mark = world.standard()
    expect(world.sshd.log_in("keys", world.password("keys")).entered, "keys cannot log in")
    world.daemon.login(mark, user="keys", service="sshd", result="ok")
    seen = hosts.sudo("keys", world.password("keys"))
    expect(not seen.entered, f"{seen}")
    world.daemon.login(mark, user="keys", service="sudo", result="denied", reason="not-permitted")


@case("sudo: the command has no token")
def sudo_no_token(world):
    mark = world.standard()
    seen = hosts.sudo("ada", world.password("ada"))
    world.daemon.login(mark, user="ada", service="sudo", result="ok")
    expect(seen.entered and "USER=root" in seen.shown, f"{seen}")
    for name in (
        "KEYCLOAK_ACCESS_TOKEN",
        "KEYCLOAK_TOKEN_EXPIRES",
        "KCLOGIN_SESSION",
        "KCLOGIN_TRANSACTION",
    ):
        expect(seen.variable(name) is None, f"root's command has {name}")


@case("troublesome and long passwords arrive byte for byte (lesson 22)")
def troublesome(world):
    mark = world.standard()
    for user in ("trouble", "longpass"):
        for method in ("password", "keyboard-interactive"):
            seen = world.sshd.log_in(user, world.password(user), method)
            expect(seen.entered, f"{user} {method}: {seen}")
    world.daemon.login(mark, user="longpass", result="ok")
    mark = world.daemon.log.mark()
    seen = hosts.pamtester(
        "pamtester",
        "trouble",
        "authenticate",
        answers=[("Password: ", world.password("trouble") + "x")],
    )
    expect(not seen.entered, "a longer password passed")
    world.daemon.login(mark, user="trouble", result="denied", reason="bad-credentials")
    world.realm.forget_failures()


@case("eight logins of ada at once all succeed")
def parallel(world):
    mark = world.standard()
    password = world.password("ada")
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: world.sshd.log_in("ada", password), range(8)))
    expect(all(one.entered for one in seen), f"{sum(one.entered for one in seen)} of 8 got in")
    lines = [
        line
        for line in world.daemon.log.text(mark).splitlines()
        if line.startswith("login ") and "result=ok" in line
    ]
    expect(len(lines) == 8, f"{len(lines)} lines of success")
