#!/usr/bin/env python3
"""Holds one realm against another: the same questions, and every difference in the answers.

    likeness.py A B [--ca-a FILE] [--ca-b FILE]    two base URLs, such as http://localhost:8080/auth
    likeness.py A --record FILE [--like 24|26]     writes what a server answered
    likeness.py A --against FILE [--like 24|26]    compares with what was written

Each server has the realm of realm/linux.json, just imported. Compared are status, headers, names
and kinds of members, errors and their texts, and the claims of tokens, save what differs from run
to run. Exit status 1: there is a difference. Needs python3 and openssl, nothing else.
"""
import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import facts  # noqa: E402
import questions  # noqa: E402


def ask_all(base, ca, like):
    realm = facts.Realm(base, ca=ca)
    parts = questions.ALL
    if like == 26:
        parts += (questions.paths_of_26,)
    if realm.context:
        parts += (questions.certificates,)
    answers = {}
    for part in parts:
        for name, answer in part(realm):
            if name in answers:
                raise SystemExit("two questions named " + name)
            answers[name] = facts.answer_facts(answer, realm.base)
    return answers


def flat(value, path=""):
    if isinstance(value, dict):
        out = {}
        for key, inner in value.items():
            out.update(flat(inner, path + "/" + key))
        return out
    return {path: value}


def compare(a, b):
    """Names of the questions, and what each side said that the other did not."""
    differences = []
    for name in list(a) + [n for n in b if n not in a]:
        one, two = flat(a.get(name, {})), flat(b.get(name, {}))
        for path in sorted(set(one) | set(two)):
            if one.get(path) != two.get(path):
                differences.append((name, path, one.get(path), two.get(path)))
    return differences


def read(path):
    with open(path) as file:
        stored = json.load(file)
    return {name: stored["answers"][at] for name, at in stored["questions"].items()}


def write(path, answers):
    unique, places = [], {}
    for name, answer in answers.items():
        if answer not in unique:
            unique.append(answer)
        places[name] = unique.index(answer)
    with open(path, "w") as file:
        file.write('{"answers": [\n%s\n],\n"questions": %s}\n' % (
            ",\n".join(json.dumps(a, sort_keys=True) for a in unique),
            json.dumps(places, indent=0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("a")
    parser.add_argument("b", nargs="?")
    parser.add_argument("--ca-a")
    parser.add_argument("--ca-b")
    parser.add_argument("--record")
    parser.add_argument("--against")
    parser.add_argument("--like", type=int, choices=(24, 26), default=26)
    options = parser.parse_args()
    mine = ask_all(options.a, options.ca_a, options.like)
    if options.record:
        write(options.record, mine)
        return 0
    theirs = read(options.against) if options.against else ask_all(options.b, options.ca_b,
                                                                   options.like)
    differences = compare(mine, theirs)
    for name, path, one, two in differences:
        print("%s: %s: %s, the other: %s" % (name, path, json.dumps(one), json.dumps(two)))
    print("%d questions, %d differences" % (len(mine), len(differences)))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
