"""The questions about the Admin REST API that likeness.py asks a realm.

Each function takes a Realm and yields (name, answer); questions.py asks them with its own. They
read alone. What an answer says is compared whole, save identities that differ from run to run.
"""
import urllib.parse

CLIENTS = {"linux-nss": "nss-secret-for-tests", "linux-nss-query": "linux-nss-query-secret",
           "linux-nss-none": "linux-nss-none-secret"}
NOBODY = "00000000-0000-4000-8000-000000000000"


class Admin:
    """The Admin API as one of the clients sees it."""

    def __init__(self, realm, client):
        self.realm = realm
        answer = realm.token({"grant_type": "client_credentials", "client_id": client,
                              "client_secret": CLIENTS[client]})
        self.token = answer.json["access_token"]

    def ask(self, path, method="GET", headers=None, body=None, **query):
        if query:
            path += "?" + urllib.parse.urlencode(
                {name: {True: "true", False: "false"}.get(value, value) if isinstance(value, bool)
                 else value for name, value in query.items()})
        answer = self.realm.ask(method, "/admin/realms/%s/%s" % (self.realm.name, path),
                                headers=headers or {"Authorization": "Bearer " + self.token,
                                                    **({"Content-Type": "application/json"}
                                                       if body else {})}, body=body)
        answer.whole = True
        return answer

    def user(self, name):
        return next(u["id"] for u in self.ask("users", username=name, exact=True).json
                    if u["username"] == name)

    def group(self, path):
        return self.ask("group-by-path" + urllib.parse.quote(path)).json["id"]

    def client(self, name):
        """Its id, as the direct roles of somebody tell it: view-users does not show clients."""
        holder = self.user({"linux-pam": "ada"}.get(name, "service-account-linux-nss"))
        return self.ask("users/%s/role-mappings" % holder).json["clientMappings"][name]["id"]


def bearers(realm):
    admin = Admin(realm, "linux-nss")
    good = admin.token
    for name, value in (("none", None), ("garbage", "Bearer x"), ("empty", "Bearer "),
                        ("basic", "Basic eDp5"), ("lower case", "bearer " + good),
                        ("dots", "Bearer a.b.c"), ("cut", "Bearer " + good[:-8]),
                        ("two spaces", "Bearer  " + good)):
        headers = {"Authorization": value} if value else {"X-None": "x"}
        yield "admin: bearer " + name, admin.ask("users/count", headers=headers)
    for name, path in (("count", "users/count"), ("nothing there", "users/count/nope"),
                       ("group", "groups/" + NOBODY), ("nowhere", "nope")):
        yield "admin: no bearer, " + name, admin.ask(path, headers={"X-None": "x"})
    tokens = realm.token({"grant_type": "password", "client_id": "linux-pam", "username": "ada",
                          "client_secret": "pam-secret-for-tests", "password": "ada-pass",
                          "scope": "openid"}).json
    for name in ("access_token", "refresh_token", "id_token"):
        yield "admin: a person's " + name, admin.ask(
            "users/count", headers={"Authorization": "Bearer " + tokens[name]})
    light = realm.token({"grant_type": "password", "client_id": "linux-pam-light",
                         "client_secret": "light-secret", "username": "ada",
                         "password": "ada-pass"}).json
    yield "admin: a lightweight token", admin.ask(
        "users/count", headers={"Authorization": "Bearer " + light["access_token"]})
    for path in ("/admin/realms/nope/users/count", "/admin/realms/Linux/users/count"):
        yield "admin: path " + path, realm.ask("GET", path,
                                               headers={"Authorization": "Bearer " + good})
    yield "admin: accept text/html", admin.ask("users/" + NOBODY, headers={
        "Authorization": "Bearer " + good, "Accept": "text/html"})


def searches(realm):
    admin = Admin(realm, "linux-nss")
    for query in ({}, {"max": 3}, {"first": 2, "max": 3}, {"first": 30}, {"first": 1000},
                  {"max": 0}, {"max": -1}, {"first": -1, "max": 2}, {"max": 2, "first": "x"},
                  {"max": "x"}, {"max": ""}, {"briefRepresentation": True, "max": 4},
                  {"briefRepresentation": "x", "max": 4}, {"max": 99999999999}):
        yield "admin: users %r" % query, admin.ask("users", **query)
    for name in ("ada", "Ada", "a", "ad", "nope", "linux-nss", "service-account-linux-nss", "jo.",
                 "jo_doe", "%", "*", "a*", "x y", "j\u00fcrgen", "J\u00dcRGEN", "upper", "a:b", ""):
        for exact in (None, True, False):
            query = {} if exact is None else {"exact": exact}
            yield "admin: username %s %r" % (name, query), admin.ask(
                "users", username=name, max=10, **query)
    for query in ({"username": "ada", "exact": "x"}, {"username": "ada", "exact": ""},
                  {"username": "ada", "exact": "TRUE"}, {"username": "ada", "enabled": "false"},
                  {"username": "ada", "exact": True, "briefRepresentation": True},
                  {"username": "frozen", "exact": True}, {"username": "grace", "exact": True},
                  {"username": "mustchange", "exact": True}, {"username": "noattrs", "exact": True},
                  {"username": "keys", "exact": True}, {"username": "nopass", "exact": True},
                  {"username": "nomail", "exact": True}, {"username": "halfprofile", "exact": True},
                  {"username": "locktest", "exact": True, "unknown": "x"},
                  {"username": "a", "first": 2, "max": 2}):
        yield "admin: users %r" % query, admin.ask("users", **query)
    for q in ("uidNumber:1900010001", "uidNumber:1900010001 gidNumber:1900020000",
              "gidNumber:1900020000", "uidNumber:190001000", "uidNumber:nope", "nope:1", "nope",
              "", ":", "uidNumber:", "loginShell:/bin/bash", "homeDirectory:\"/home/x y\"",
              "homeDirectory:/home/x y", "homeDirectory:/HOME/ADA", "\"uidNumber\":1900010001",
              "uidNumber:1900010001 uidNumber:1900010002", "sshPublicKey:x"):
        for more in ({}, {"exact": True}, {"exact": False}):
            yield "admin: users q=%s %r" % (q, more), admin.ask("users", q=q, max=4, **more)
    ada, grace = admin.user("ada"), admin.user("grace")
    yield "admin: users by ids", admin.ask("users", search="id:%s %s" % (ada, grace))
    yield "admin: users by a wrong id", admin.ask("users", search="id:" + NOBODY)
    for query in ({}, {"username": "ada"}, {"username": "a"}, {"username": "ada", "exact": True},
                  {"q": "uidNumber:1900010001"}):
        yield "admin: count %r" % query, admin.ask("users/count", **query)


def persons(realm):
    admin = Admin(realm, "linux-nss")
    for name in ("ada", "grace", "frozen", "mustchange", "nested", "noattrs", "keys", "nomail",
                 "halfprofile", "service-account-linux-nss", "norole", "baduid"):
        user = admin.user(name)
        yield "admin: user " + name, admin.ask("users/" + user)
        yield "admin: role mappings of " + name, admin.ask("users/%s/role-mappings" % user)
        yield "admin: groups of " + name, admin.ask("users/%s/groups" % user)
        yield "admin: realm roles of " + name, admin.ask(
            "users/%s/role-mappings/realm/composite" % user)
        for client in ("linux-pam", "realm-management"):
            yield "admin: roles of %s at %s" % (name, client), admin.ask(
                "users/%s/role-mappings/clients/%s/composite" % (user, admin.client(client)))
        yield "admin: lock state of " + name, admin.ask(
            "attack-detection/brute-force/users/" + user)
    ada = admin.user("ada")
    nested, many = admin.user("nested"), admin.user("manygroups")
    for query in ({"briefRepresentation": False}, {"briefRepresentation": True}, {"max": 2},
                  {"first": 1, "max": 2}, {"first": 1}, {"max": -1}, {"max": 0}, {"search": "adm"}):
        if "first" not in query:  # the order of two equal names is anybody's
            yield "admin: groups of nested %r" % query, admin.ask(
                "users/%s/groups" % nested, **query)
        yield "admin: many groups %r" % query, admin.ask("users/%s/groups" % many, **query)
    yield "admin: user in upper case", admin.ask("users/" + ada.upper())
    yield "admin: user with a slash", admin.ask("users/%s/" % ada)
    for what in ("", "/groups", "/role-mappings", "/role-mappings/realm/composite", "/nope"):
        for user in (NOBODY, "nope", "ada"):
            yield "admin: users/%s%s" % (user, what), admin.ask("users/%s%s" % (user, what))
    pam = admin.client("linux-pam")
    yield "admin: client roles of nobody", admin.ask(
        "users/%s/role-mappings/clients/%s/composite" % (NOBODY, pam))
    yield "admin: roles at no client", admin.ask(
        "users/%s/role-mappings/clients/%s/composite" % (ada, NOBODY))
    yield "admin: roles at a client's name", admin.ask(
        "users/%s/role-mappings/clients/linux-pam/composite" % ada)
    yield "admin: composite, full", admin.ask(
        "users/%s/role-mappings/realm/composite" % ada, briefRepresentation=False)
    yield "admin: lock state of nobody", admin.ask("attack-detection/brute-force/users/" + NOBODY)
    yield "admin: HEAD", admin.ask("users/" + ada, method="HEAD")
    for method, path in (("DELETE", "users/count"), ("PATCH", "users/" + ada),
                         ("POST", "users/count"), ("DELETE", "users"), ("PUT", "groups")):
        yield "admin: %s %s" % (method, path.replace(ada, "ada")), admin.ask(path, method=method)


def changes(realm):
    """Each is refused, so that nothing changes."""
    viewer, nobody = Admin(realm, "linux-nss"), Admin(realm, "linux-nss-none")
    ada, group = viewer.user("ada"), viewer.group("/linux-users")
    for name, admin in (("view-users", viewer), ("no role", nobody)):
        for path in ("users/" + ada, "users/" + NOBODY, "groups/" + group, "groups/" + NOBODY):
            what = path.replace(ada, "ada").replace(group, "linux-users")
            yield "admin: PUT %s by %s" % (what, name), admin.ask(
                path, method="PUT", body='{"attributes":{"uidNumber":["1"]}}')
    yield "admin: PUT without a bearer", viewer.ask(
        "users/" + ada, method="PUT", headers={"X-None": "x", "Content-Type": "application/json"},
        body="{}")


def groups(realm):
    admin = Admin(realm, "linux-nss")
    flat = {"populateHierarchy": False}
    for query in ({}, {"max": 2}, {"first": 1, "max": 2}, {"first": 3}, {"max": 0}, {"max": -1},
                  {"briefRepresentation": False, "max": 3}, {"subGroupsCount": False},
                  {"first": "x"}, {"populateHierarchy": False, "max": 3},
                  {"search": ""}, {"search": "", **flat, "max": 5}):
        yield "admin: groups %r" % query, admin.ask("groups", **query)
    for name in ("admins", "ADMINS", "linux-users", "linux-", "kernel", "night shift/late", "nope",
                 "gruppe-\u00e9", "g0", "%", "e"):
        for more in ({}, flat, {"exact": True}, {"exact": True, **flat},
                     {"exact": True, **flat, "briefRepresentation": False, "subGroupsCount": False},
                     {**flat, "first": 1, "max": 1}):
            if "first" in more and name.lower() in ("admins", "%"):
                continue  # the order of two equal names is anybody's
            yield "admin: groups of name %s %r" % (name, more), admin.ask(
                "groups", search=name, **more)
    for q in ("gidNumber:1900020111", "gidNumber:190002011", "gidNumber:1900020000", "nope:1",
              "nope", "", "gidNumber:1900020111 x:y"):
        for more in ({}, flat, {"briefRepresentation": False, **flat}, {"exact": True, **flat},
                     {"search": "adm", **flat}):
            yield "admin: groups q=%s %r" % (q, more), admin.ask("groups", q=q, **more)
    for path in ("/linux-users", "/teams/red/admins", "/teams/red/admins/", "/teams", "/many",
                 "/night shift~/late", "/night shift/late", "/night%2520shift~/late", "/nope",
                 "/teams/nope", "/gruppe-\u00e9", "/Teams", "/no-gid", "", "/",
                 "/night shift~%2Flate", "/linux-users/nope"):
        yield "admin: path %s" % path, admin.ask("group-by-path" + urllib.parse.quote(
            path, safe="/%~"))


def members(realm):
    admin = Admin(realm, "linux-nss")
    many, teams, users = admin.group("/many"), admin.group("/teams"), admin.group("/linux-users")
    for path in ("/many", "/teams", "/teams/red", "/teams/red/admins", "/no-gid"):
        group = admin.group(path)
        yield "admin: group " + path, admin.ask("groups/" + group)
        yield "admin: children of " + path, admin.ask("groups/%s/children" % group)
        yield "admin: role mappings of group " + path, admin.ask(
            "groups/%s/role-mappings" % group)
        yield "admin: members of " + path, admin.ask("groups/%s/members" % group)
    for query in ({"max": 3}, {"first": 2, "max": 3}, {"first": 55}, {"max": 100}, {"max": -1},
                  {"max": 0}, {"max": 3, "briefRepresentation": False}, {"search": "g01"},
                  {"max": 2, "subGroupsCount": False}):
        yield "admin: children %r" % query, admin.ask("groups/%s/children" % many, **query)
    yield "admin: children, full", admin.ask("groups/%s/children" % teams,
                                             briefRepresentation=False)
    for query in ({}, {"max": 3}, {"first": 2, "max": 2}, {"first": 55}, {"max": -1}, {"max": 0},
                  {"max": 3, "briefRepresentation": True}, {"first": -1, "max": 1},
                  {"max": 3, "briefRepresentation": False}):
        yield "admin: members %r" % query, admin.ask("groups/%s/members" % users, **query)
    yield "admin: role mappings of group /linux-admins", admin.ask(
        "groups/%s/role-mappings" % admin.group("/linux-admins"))
    for what in ("", "/children", "/members", "/role-mappings", "/nope"):
        yield "admin: no group" + what, admin.ask("groups/%s%s" % (NOBODY, what))
    for client in ("linux-pam", "nope", "realm-management", "linux", ""):
        yield "admin: clients " + client, admin.ask("clients", clientId=client)
    yield "admin: clients search", admin.ask("clients", clientId="linux-nss", search=True)


def forbidden(realm):
    reader = Admin(realm, "linux-nss")
    ada, users, pam = reader.user("ada"), reader.group("/linux-users"), reader.client("linux-pam")
    paths = ("users?username=ada&exact=true", "users", "users/count", "users/" + ada,
             "users/" + NOBODY, "users/%s/groups" % ada, "users?q=uidNumber:1900010001",
             "users?search=id:" + ada, "groups", "groups?search=admins&populateHierarchy=false",
             "group-by-path/linux-users", "group-by-path/nope", "groups/" + users,
             "groups/" + NOBODY, "groups/%s/children" % users, "groups/%s/members" % users,
             "groups/%s/role-mappings" % users,
             "users/%s/role-mappings" % ada, "users/%s/role-mappings/realm/composite" % ada,
             "users/%s/role-mappings/clients/%s/composite" % (ada, pam),
             "users/%s/role-mappings/clients/%s/composite" % (ada, NOBODY),
             "clients?clientId=linux-pam", "clients",
             "attack-detection/brute-force/users/" + ada,
             "attack-detection/brute-force/users/" + NOBODY, "nope", "users/%s/nope" % ada)
    more = ("events", "admin-events", "roles", "clients/" + pam, "users/profile",
            "roles/linux-login/users")
    for client in ("linux-nss", "linux-nss-query", "linux-nss-none"):
        admin = Admin(realm, client)
        for path in paths + more if client == "linux-nss" else paths:
            name = path.replace(ada, "ADA").replace(users, "GROUP").replace(pam, "CLIENT")
            yield "admin: as %s: %s" % (client, name), admin.ask(path)


ALL = (bearers, searches, persons, changes, groups, members, forbidden)
