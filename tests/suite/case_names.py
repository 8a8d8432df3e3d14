"""Who somebody is: one name means one user (lessons 1 to 7).

A realm password opens the account of that very name, listed by the host, and no other.
"""

import hosts
from outcome import Failed, expect
from product import configuration, host_conf
from world import WRONG, case


def refused(world, user, password):
    """Neither sshd nor login let this name in with a password that the realm would take."""
    seen = world.sshd.log_in(user, password)
    expect(not seen.entered, f"sshd let {user} in: {seen}")
    seen = hosts.login(user, password)
    expect(not seen.entered, f"login let {user} in: {seen}")


@case("root is never opened by the realm (lesson 6)")
def root(world):
    """The realm has a user named root, and the host lists it by mistake."""
    world.standard()
    world.daemon.quiet(world.realm)
    sent = world.realm.relay.bytes_up
    refused(world, "root", "root-pass")
    seen = hosts.pamtester(
        "pamtester", "root", "authenticate", answers=[("Password: ", "root-pass")]
    )
    expect(not seen.entered, f"pamtester let root in: {seen}")
    seen = hosts.su("carol", "root", "root-pass")
    expect(not seen.entered, f"su let root in: {seen}")
    expect(world.realm.relay.bytes_up == sent, "root's password reached the realm")


@case("Ada is not ada (lesson 4)")
def capital(world):
    """The host has an account Ada; the realm takes Ada for ada."""
    world.standard()
    refused(world, "Ada", world.password("ada"))


@case("an e-mail address that the realm takes is refused (lesson 4)")
def mail(world):
    world.standard()
    refused(world, "ada@example.test", world.password("ada"))
    seen = hosts.pamtester(
        "pamtester",
        "ada@example.test",
        "authenticate",
        answers=[("Password: ", world.password("ada"))],
    )
    expect(not seen.entered, f"{seen}")


@case("an account that is not listed is not opened (lesson 3)")
def unlisted(world):
    """upper exists on the host and in the realm, and local_accounts does not name it."""
    world.standard()
    refused(world, "upper", world.password("upper"))


@case("a local user that is not listed logs in as ever, and the realm hears nothing")
def local(world):
    world.standard()
    world.daemon.quiet(world.realm)
    sent = world.realm.relay.bytes_up
    expect(world.sshd.log_in("carol", "local-carol-pass").entered, "carol cannot log in")
    expect(hosts.login("carol", "local-carol-pass").entered, "carol cannot use login")
    expect(not world.sshd.log_in("carol", WRONG).entered, "carol gets in with a wrong password")
    expect(world.realm.relay.bytes_up == sent, "a local user's login reached the realm")


@case("a listed account is opened by the realm's password only, while the realm is up")
def listed(world):
    mark = world.standard()
    seen = world.sshd.log_in("ada", "local-ada-pass")
    expect(not seen.entered, f"the local password opened a listed account: {seen}")
    world.daemon.login(mark, user="ada", result="denied", reason="bad-credentials")
    expect(world.sshd.log_in("ada", world.password("ada")).entered, "ada cannot log in")


@case("a listed account that the realm does not know")
def ghost(world):
    mark = world.standard()
    seen = world.sshd.log_in("ghost", WRONG)
    expect(not seen.entered, f"{seen}")
    world.daemon.login(mark, user="ghost", result="denied", reason="bad-credentials")


@case("no local account listed: nobody")
def none_listed(world):
    world.standard()
    try:
        host_conf(listed=[])
        world.daemon.reload(configuration(world.realm))
        refused(world, "nested", world.password("nested"))
    finally:
        host_conf()
        world.daemon.stop()


@case("nothing configured lets nobody in (lesson 5)")
def no_rule(world):
    world.daemon.use(configuration(world.realm, access={}))
    mark = world.daemon.log.mark()
    seen = world.sshd.log_in("ada", world.password("ada"))
    expect(not seen.entered, f"{seen}")
    world.daemon.login(mark, user="ada", result="denied", reason="no-access-rule")


@case("a PAM line with access=NAME uses that section; an unknown one lets nobody in")
def access_name(world):
    sections = {
        "access": ["allow = role:linux-login"],
        "access kernel": ["allow = group:/engineering/kernel"],
    }
    world.daemon.use(configuration(world.realm, access=sections))
    world.bed.bare_service("suite-kernel", "access=kernel")
    world.bed.bare_service("suite-nothing", "access=nothing")
    for service, user, entered, reason in (
        ("suite-kernel", "ada", True, "ok"),
        ("suite-kernel", "keys", False, "not-permitted"),
        ("suite-nothing", "ada", False, "no-access-rule"),
    ):
        mark = world.daemon.log.mark()
        # nobody can enter where no rule is: then nobody is asked for a password either
        answers = [] if reason == "no-access-rule" else [("Password: ", world.password(user))]
        seen = hosts.pamtester(service, user, "authenticate", answers=answers)
        expect(seen.entered == entered, f"{service} {user}: {seen}")
        line = world.daemon.login(mark, user=user, service=service)
        expect(line["reason"] == reason, f"{line}")


@case("groups are whole paths: one leaf name in two places (lesson 7)")
def nested_groups(world):
    for rule, entered in (
        ("group:/teams/red/admins", True),
        ("group:/admins", False),
        ("group:admins", False),
        ("group:/teams/red", False),
        ("group:/night shift/late", True),
    ):
        try:
            world.daemon.use(configuration(world.realm, access={"access": [f"allow = {rule}"]}))
        except Failed:
            expect(not entered, f"the rule {rule} is not taken")
            continue
        seen = hosts.pamtester(
            "pamtester",
            "nested",
            "authenticate",
            answers=[("Password: ", world.password("nested"))],
        )
        expect(seen.entered == entered, f"{rule}: {seen}")


@case("sixty groups")
def many_groups(world):
    world.daemon.use(configuration(world.realm, access={"access": ["allow = group:/many/g59"]}))
    seen = world.sshd.log_in("manygroups", world.password("manygroups"))
    expect(seen.entered, f"{seen}")
