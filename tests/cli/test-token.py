#!/usr/bin/env python3
"""kclogin token verify: exit status, the word on standard output, usage, and what is never shown.

Keys and signatures are made by the openssl command, claims are those of a Keycloak token.
"""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

KCLOGIN = os.path.abspath("kclogin")
VECTORS = pathlib.Path(os.environ.get("srcdir", ".")) / "tests" / "vectors"
ISSUER = "https://id.example.test/realms/linux"
NOW = 1700000000
CLAIMS = {
    "exp": NOW + 300, "iat": NOW, "jti": "onrtro:1", "iss": ISSUER, "aud": "account",
    "sub": "1f0c3f2e-7a39-4e6e-8f0c-2a1b3c4d5e6f", "typ": "Bearer", "azp": "linux-pam",
    "realm_access": {"roles": ["user"]}, "scope": "email profile", "preferred_username": "ada",
}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


class Realm:
    """One RSA key, its JWKS file, and tokens that it signs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = self.folder / "key.pem"
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                "-out", str(self.key))
        text = openssl("rsa", "-in", str(self.key), "-noout", "-modulus").decode()
        modulus = encode(bytes.fromhex(text.strip().removeprefix("Modulus=")))
        jwk = {"kty": "RSA", "kid": "k1", "use": "sig", "alg": "RS256", "n": modulus, "e": "AQAB"}
        self.jwks = self.write("jwks.json", json.dumps({"keys": [jwk]}))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def token(self, claims, header=None):
        header = header or {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        text = encode(json.dumps(header).encode()) + "." + encode(payload)
        mark = openssl("dgst", "-sha256", "-sign", str(self.key), data=text.encode())
        return text + "." + encode(mark)


def run(*arguments, data=b"", environment=None):
    if isinstance(data, str):
        data = data.encode()
    done = subprocess.run([KCLOGIN, *arguments], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=20, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


class TokenVerify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.realm = Realm(cls.folder)
        cls.full = ["token", "verify", "--jwks", cls.realm.jwks, "--issuer", ISSUER,
                    "--client", "linux-pam", "--user", "ada", "--at", str(NOW + 10)]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def refused(self, word, token, *arguments):
        status, out, err = run(*(arguments or self.full), data=token)
        self.assertEqual((status, out, err), (1, word.encode() + b"\n", b""))

    def but(self, **changes):
        claims = {**CLAIMS, **changes}
        return self.realm.token({k: v for k, v in claims.items() if v is not None})

    def test_good(self):
        for end in ("", "\n"):
            status, out, err = run(*self.full, data=self.realm.token(CLAIMS) + end)
            self.assertEqual((status, err), (0, b""))
            self.assertEqual(json.loads(out), CLAIMS)

    def test_each_reason(self):
        self.refused("wrong-issuer", self.but(iss=ISSUER + "2"))
        self.refused("wrong-client", self.but(azp="linux"))
        self.refused("wrong-user", self.but(preferred_username="Ada"))
        self.refused("wrong-type", self.but(typ="ID"))
        self.refused("expired", self.but(exp=NOW + 10))
        self.refused("not-yet-valid", self.but(nbf=NOW + 11))
        self.refused("malformed", self.but(exp=str(NOW + 300)))
        self.refused("claim-missing", self.but(azp=None))
        self.refused("lightweight-token", self.but(preferred_username=None, realm_access=None))
        self.refused("wrong-audience", self.but(), *self.full, "--audience", "api")
        self.assertEqual(run(*self.full, "--audience", "account", data=self.but())[0], 0)
        self.refused("duplicate-member", self.realm.token(
            json.dumps(CLAIMS)[:-1].encode() + b',"azp":"linux-pam"}'))
        self.refused("malformed", self.realm.token(b'{"exp":1e400}'))

    def test_each_reason_of_the_signature(self):
        token = self.realm.token(CLAIMS)
        head, payload, mark = token.split(".")
        other = encode(json.dumps({**CLAIMS, "preferred_username": "root"}).encode())
        self.refused("bad-signature", ".".join((head, other, mark)))
        self.refused("alg-not-allowed", self.realm.token(CLAIMS, {"alg": "none"}))
        self.refused("key-unknown", self.realm.token(CLAIMS, {"alg": "RS256", "kid": "k2"}))
        self.refused("key-unfit", self.realm.token(CLAIMS, {"alg": "PS256", "kid": "k1"}))
        self.refused("critical-header", self.realm.token(CLAIMS, {"alg": "RS256", "crit": ["x"]}))
        text = encode(b'{"alg":"HS256","kid":"k1"}') + "." + payload
        public = openssl("pkey", "-in", str(self.realm.key), "-pubout")
        tag = hmac.new(public, text.encode(), hashlib.sha256).digest()
        self.refused("symmetric-token", text + "." + encode(tag))
        for wrong in ("", "\n", "x", token + "\n\n", token + "\r\n", " " + token, token + " ",
                      token + "=", "a" * 300000):
            self.refused("malformed", wrong)
        self.refused("malformed", b"\0\xff" + token.encode())

    def test_what_is_not_asked_is_not_checked(self):
        token = self.but(iss="https://other.example", azp="other", preferred_username="grace")
        least = ["token", "verify", "--jwks", self.realm.jwks]
        at = ["--at", str(NOW)]
        self.assertEqual(run(*least, *at, data=token)[0], 0)
        self.refused("wrong-issuer", token, *least, *at, "--issuer", ISSUER)
        self.refused("wrong-client", token, *least, *at, "--client", "linux-pam")
        self.refused("wrong-user", token, *least, *at, "--user", "ada")
        self.refused("expired", token, *least)
        self.assertEqual(run(*least, data=self.but(exp=int(time.time()) + 600))[0], 0)

    def test_signature_alone(self):
        least = ["token", "verify", "--jws", "--jwks", self.realm.jwks]
        for payload in (b"no claims", b"", b"{\"exp\":1}", bytes(range(256))):
            status, out, err = run(*least, data=self.realm.token(payload))
            self.assertEqual((status, out, err), (0, payload, b""))
        self.refused("malformed", self.realm.token(b"no claims"))
        token = self.realm.token(b"no claims")
        self.refused("bad-signature", token[:-6] + "AAAAAA"[:5] + token[-1], *least)

    def test_cookbook(self):
        words = {"4_1": None, "4_2": None, "4_3": None, "4_4": "symmetric-token"}
        names = sorted((VECTORS / "jose-cookbook" / "jws").glob("4_[1-4].*.json"))
        self.assertEqual(len(names), 4)
        names.append(VECTORS / "jose-cookbook" / "curve25519" / "jws.json")
        for name in names:
            example = json.loads(name.read_text())
            jwks = self.realm.write("cookbook.json", json.dumps({"keys": [example["input"]["key"]]}))
            arguments = ["token", "verify", "--jws", "--jwks", jwks]
            word = words.get(name.name[:3])
            if word:
                self.refused(word, example["output"]["compact"], *arguments)
                continue
            status, out, _ = run(*arguments, data=example["output"]["compact"] + "\n")
            self.assertEqual((status, out.decode()), (0, example["input"]["payload"]), name.name)

    def test_options(self):
        jwks = self.realm.jwks
        wrong = (
            [], ["token"], ["verify"], ["token", "verif"], ["token", "verifyx"], ["what"],
            ["token", "verify"], ["token", "verify", "--jwks"], ["token", "verify", "--jwks="],
            ["token", "verify", "--jwks", jwks, "--jwks", jwks],
            ["token", "verify", "--jwks", jwks, "--what"], ["token", "verify", "--jwks", jwks, "x"],
            ["token", "verify", "--jwks", jwks, "--issuer", ""],
            ["token", "verify", "--jwks", jwks, "--user="],
            ["token", "verify", "--jwks", jwks, "--jws=yes"],
            ["token", "verify", "--jwks", jwks, "--jws", "--jws"],
            ["token", "verify", "--jwks", jwks, "--at", ""],
            ["token", "verify", "--jwks", jwks, "--at", "-1"],
            ["token", "verify", "--jwks", jwks, "--at", "1e3"],
            ["token", "verify", "--jwks", jwks, "--at", " 1"],
            ["token", "verify", "--jwks", jwks, "--at", "99999999999999999999"],
            ["token", "verify", "--jwks", jwks, "--at", "1", "--at", "1"],
            ["token", "verify", "--jwks", "/nonexistent"], ["token", "verify", "--jwks", "/"],
            ["token", "verify", "--jwks", str(self.realm.key)],
            ["token", "verify", "--jwks", "/dev/zero"],
        )
        for arguments in wrong:
            status, out, err = run(*arguments, data=self.realm.token(CLAIMS))
            self.assertEqual((status, out), (2, b""), arguments)
            self.assertTrue(err, arguments)
        joined = ["token", "verify", "--jwks=" + jwks, "--issuer=" + ISSUER, "--client=linux-pam",
                  "--user=ada", f"--at={NOW}"]
        self.assertEqual(run(*joined, data=self.realm.token(CLAIMS))[0], 0)

    def test_help(self):
        status, out, err = run("--help")
        self.assertEqual((status, err), (0, b""))
        self.assertIn(b"token verify", out)
        status, out, err = run("token", "verify", "--help")
        self.assertEqual((status, err), (0, b""))
        for option in (b"--jwks", b"--issuer", b"--client", b"--user", b"--audience", b"--at",
                       b"--jws", b"NOT made"):
            self.assertIn(option, out)

    def test_lesson_18_a_token_is_never_shown(self):
        token = self.realm.token(CLAIMS)
        mark = token.rsplit(".", 1)[1].encode()
        for arguments in (self.full, ["token", "verify", token],
                          ["token", "verify", "--jwks", self.realm.jwks, token],
                          ["token", "verify", "--" + token], [token]):
            _, out, err = run(*arguments, data=token)
            self.assertNotIn(mark[:64], out + err)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([KCLOGIN, *self.full], input=self.realm.token(CLAIMS).encode(),
                                  stdout=full, stderr=subprocess.PIPE, timeout=20, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("SKIP: no openssl command")
        sys.exit(77)
    unittest.main(verbosity=2)
