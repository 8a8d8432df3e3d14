"""A realm file with many people: realm/linux.json and what kclogin-realm's --fill options would add.

Used by tests/daemon/test-scale.py for servers that cannot be told to fill themselves.
"""
import json


def filled(path, users, groups, members):
    """The realm file's text. u000001 and on are in /fill; of /fill/g0001 and on each has `members`."""
    with open(path, encoding="utf-8") as file:
        realm = json.load(file)
    of_user = [["/fill"] for _ in range(users)]
    for group in range(groups):
        for member in range(min(members, users)):
            of_user[(group * members + member) % users].append(f"/fill/g{group + 1:04}")
    realm["groups"].append({
        "name": "fill",
        "attributes": {"gidNumber": ["1900299999"]},
        "subGroups": [{"name": f"g{group + 1:04}",
                       "attributes": {"gidNumber": [str(1900300000 + group)]}}
                      for group in range(groups)],
    })
    realm["users"] += [{
        "username": f"u{number + 1:06}",
        "enabled": True,
        "firstName": "User",
        "lastName": str(number + 1),
        "email": f"u{number + 1:06}@example.test",
        "attributes": {
            "uidNumber": [str(1900100000 + number)],
            "gidNumber": ["1900020000"],
            "homeDirectory": [f"/home/u{number + 1:06}"],
            "loginShell": ["/bin/bash"],
        },
        "groups": of_user[number],
    } for number in range(users)]
    return json.dumps(realm)
