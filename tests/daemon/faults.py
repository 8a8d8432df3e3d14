"""What a realm, or something before it, may answer instead of an answer, and the words for it.

Used by test-faults.py. A fault is a function of an Exchange (hostile.py); a row of TABLE is its
name, itself, and the word of a login or log-out at each endpoint that it is tried at.
"""
import base64
import gzip
import json
import zlib

from hostile import answer, head

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
HTML = "<html><head><title>Sorry</title></head><body><h1>It works!</h1></body></html>"
LARGE = b"A" * (2 << 20)  # more than any answer may have
ELSEWHERE = "127.9.9.9"   # where a redirect leads, and nothing may come
OK = b"HTTP/1.1 200 OK\r\n"
TABLE = []


def row(name, fault, token, discovery=None, jwks=None, logout=None):
    words = dict(token=token, discovery=discovery, jwks=jwks, logout=logout)
    TABLE.append((name, fault, {where: word for where, word in words.items() if word}))


def everywhere(name, fault, word):
    row(name, fault, word, word, word, word)


def gets(name, fault, word, keys=None):
    """What a log-out does not read."""
    row(name, fault, word, word, keys or word)


def not_json(name, fault):
    gets(name, fault, "answer-not-json", "answer-malformed")


def taken(name, fault):
    """Odd, and an answer all the same."""
    gets(name, fault, "ok")


# --- ways to answer ---------------------------------------------------------------------------

def says(status, body=b"", *lines, kind="application/json"):
    whole = answer(status, body, *lines, kind=kind)
    return lambda exchange: exchange.send(whole)


def page(status, *lines):
    """A proxy's own page."""
    return says(status, HTML, *lines, kind="text/html; charset=utf-8")


def raw(data):
    """Bytes, then the end of the connection."""
    return lambda exchange: exchange.close(data)


def spoilt(change, *lines, kind="application/json"):
    """The right body changed, under a right head."""
    return lambda exchange: exchange.send(answer(200, change(exchange.good()), *lines, kind=kind))


def beside(text):
    """The right body with one member more."""
    return spoilt(lambda body: body[:-1] + b',"x":' + text + b"}")


def after(first, last=b""):
    """The right body behind these bytes."""
    return lambda exchange: exchange.close(first + exchange.good() + last)


def lines(*more):
    """The right answer with these lines in its head."""
    return spoilt(lambda body: body, *more)


def good_in(pack, *more, length=True):
    """The right body, packed, under these lines."""
    def fault(exchange):
        body = pack(exchange.good())
        count = [f"Content-Length: {len(body)}"] if length else []
        exchange.send(head(200, JSON, *count, *more) + body)
        return length or CHUNKED in more
    return fault


def counted(difference, *more):
    """The right body under a length that is another."""
    def fault(exchange):
        body = exchange.good()
        return exchange.close(head(200, JSON, f"Content-Length: {len(body) + difference}", *more)
                              + body)
    return fault


def endless(again, first=b""):
    return lambda exchange: exchange.endless(again, first)


def chunks(*parts, last=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + last


def deflated(data):
    """Without zlib's frame, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def redirect(status):
    return lambda exchange: exchange.send(
        answer(status, "", f"Location: http://{ELSEWHERE}:{exchange.server.port}/token"))


# --- statuses and proxies -----------------------------------------------------------------------

WORDS = {201: "http-unexpected", 202: "http-unexpected", 205: "http-unexpected",
         206: "http-unexpected", 226: "http-unexpected", 304: "http-redirect", 400: "http-400",
         401: "http-401", 403: "http-403", 404: "http-404", 405: "http-405", 406: "http-406",
         407: "http-unexpected", 413: "http-413", 415: "http-415", 418: "http-unexpected",
         429: "http-429", 500: "server-error", 502: "server-gateway", 503: "server-overloaded",
         504: "server-gateway", 599: "server-error", 600: "http-unexpected",
         999: "http-unexpected"}
for number, status_word in WORDS.items():
    everywhere(f"{number}, a proxy's page", page(number), status_word)
gets("204", says(204, kind=None), "http-unexpected")
gets("204 with a body", after(head(204, JSON)), "http-unexpected")
gets("101", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\0\0\0\4\0\0\0\0\0"),
     "http-unexpected")
everywhere("401 Basic", page(401, 'WWW-Authenticate: Basic realm="x"'), "http-401")
everywhere("401 Negotiate", page(401, "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM",
                                 'WWW-Authenticate: Digest realm="x", nonce="y"'), "http-401")
everywhere("407 Basic", page(407, 'Proxy-Authenticate: Basic realm="x"'), "http-unexpected")
for number in (301, 302, 303, 307, 308):
    everywhere(f"redirect {number}", redirect(number), "http-redirect")
taken("200 with Location", lines(f"Location: http://{ELSEWHERE}/x",
                                 f"Refresh: 0; url=http://{ELSEWHERE}/", "Set-Cookie: a=b",
                                 f'Alt-Svc: h2="{ELSEWHERE}:443"'))
for value in ("1", "59", "99999999", "9999999999999999999999", "-5", "1.5", "soon", "",
              "Fri, 31 Dec 2100 23:59:59 GMT"):
    gets(f"429, Retry-After: {value}", page(429, f"Retry-After: {value}"), "http-429")
    plain = value.isdigit() and len(value) < 10
    gets(f"503, Retry-After: {value}", page(503, f"Retry-After: {value}"),
         "server-starting" if plain else "server-overloaded")

# --- bodies ---------------------------------------------------------------------------------------

row("empty", says(200), "answer-not-json", "answer-not-json", "answer-malformed", "ok")
row("page", page(200), "answer-not-json", "answer-not-json", "answer-not-json", "http-unexpected")
not_json("page as JSON", says(200, HTML))
for value in ("text/plain", None, "text/html", "application/jsonx", "json"):
    row(f"type {value}", spoilt(lambda body: body, kind=value), "answer-not-json", "ok", "ok")
not_json("BOM", spoilt(lambda body: b"\xef\xbb\xbf" + body))
not_json("UTF-16", spoilt(lambda body: body.decode().encode("utf-16")))
not_json("UTF-16LE", spoilt(lambda body: body.decode().encode("utf-16-le")))
not_json("NUL in front", spoilt(lambda body: b"\0" + body))
not_json("NUL behind", spoilt(lambda body: body + b"\0"))
not_json("NUL within", spoilt(lambda body: body.replace(b":", b":\0", 1)))
not_json("more behind", spoilt(lambda body: body + b" {}"))
not_json("in an array", spoilt(lambda body: b"[" + body + b"]"))
not_json("null", says(200, "null"))
not_json("JSONP", spoilt(lambda body: b"x(" + body + b")"))
not_json("half a surrogate", beside(b'"\\ud800"'))
not_json("not UTF-8", beside(b'"\xff"'))
not_json("number beyond double", beside(b"1e999"))
gets("deep", beside(b"[" * 200 + b"]" * 200), "answer-too-large")
gets("very deep", beside(b"[" * 100000 + b"]" * 100000), "answer-too-large")
gets("many values", beside(b"[" + b"0," * 70000 + b"0]"), "answer-too-large")
gets("long number", beside(b"1" * 5000), "answer-too-large")
gets("large", beside(b'"' + LARGE + b'"'), "answer-too-large")
everywhere("large, chunked", raw(head(200, JSON, CHUNKED) + chunks(LARGE)), "answer-too-large")
everywhere("large, promised", raw(head(200, JSON, "Content-Length: 99999999")), "answer-too-large")
everywhere("huge, promised", raw(head(200, JSON, "Content-Length: " + "9" * 26)),
           "answer-too-large")
not_json("shorter than the body", counted(-5))
gets("longer than the body", counted(5), "unanswered")
gets("negative length", after(head(200, JSON, "Content-Length: -1")), "unanswered")
gets("length in words", after(head(200, JSON, "Content-Length: many")), "unanswered")
not_json("two lengths", counted(0, "Content-Length: 1"))
gets("length and chunks", good_in(chunks, "Content-Length: 3", CHUNKED, length=False), "ok")
taken("two answers", lambda exchange: exchange.send(
    answer(200, exchange.good()) + answer(200, '{"error":"x"}')))
everywhere("endless", endless(b"A" * 1024, head(200, JSON)), "answer-too-large")

# --- chunks ---------------------------------------------------------------------------------------

IN_CHUNKS = head(200, JSON, CHUNKED)
taken("chunks", good_in(lambda body: chunks(body[:7], body[7:]), CHUNKED, length=False))
everywhere("endless chunks", endless(chunks(b"A" * 1024, last=b""), IN_CHUNKS), "answer-too-large")
everywhere("endless small chunks", endless(b"1\r\nA\r\n", IN_CHUNKS), "answer-too-large")
everywhere("endless extension", endless(b"x" * 1024, IN_CHUNKS + b"5;"), "answer-too-large")
everywhere("endless trailers", endless(b"X-T: y\r\n", IN_CHUNKS + b"0\r\n"), "answer-too-large")
gets("endless trailer", endless(b"y" * 1024, IN_CHUNKS + b"0\r\nX: "), "unanswered")
gets("endless size", endless(b"0" * 1024, IN_CHUNKS), "unanswered")
gets("huge size", raw(IN_CHUNKS + b"fffffffffffffffffff\r\nA"), "unanswered")
gets("size of 64 bits", raw(IN_CHUNKS + b"ffffffffffffffff\r\nA"), "unanswered")
gets("no size", raw(IN_CHUNKS + b"xyz\r\nA\r\n0\r\n\r\n"), "unanswered")
gets("chunk cut off", raw(IN_CHUNKS + b'100\r\n{"acc'), "unanswered")

# --- compressed, though nobody asked for it -------------------------------------------------------

SMALL_BOMB = gzip.compress(b"A" * (64 << 20), 9)
BOMB = gzip.compress(gzip.compress(bytes(128 << 20), 1), 1)
not_json("gzip", good_in(gzip.compress, "Content-Encoding: gzip"))
not_json("deflate", good_in(zlib.compress, "Content-Encoding: deflate"))
not_json("raw deflate", good_in(deflated, "Content-Encoding: deflate"))
not_json("br", good_in(lambda body: b"\x8b\x02\x80{}\x03", "Content-Encoding: br"))
not_json("gzip bomb", good_in(lambda body: SMALL_BOMB, "Content-Encoding: gzip"))
not_json("gzip bomb twice", good_in(lambda body: BOMB, "Content-Encoding: gzip, gzip"))
taken("encoding that is none", lines("Content-Encoding: gzip"))
taken("unknown encoding", lines("Content-Encoding: rot13"))
taken("transfer gzip", good_in(gzip.compress, "Transfer-Encoding: gzip", length=False))
everywhere("transfer bomb", good_in(lambda body: SMALL_BOMB, "Transfer-Encoding: gzip",
                                    length=False), "answer-too-large")
gets("transfer bomb twice", good_in(lambda body: BOMB, "Transfer-Encoding: gzip, gzip",
                                    length=False), "answer-too-large")
gets("transfer stack", good_in(bytes, *["Transfer-Encoding: gzip"] * 100, length=False),
     "unanswered")
gets("transfer br", good_in(bytes, "Transfer-Encoding: br", length=False), "unanswered")

# --- heads ----------------------------------------------------------------------------------------

taken("100 headers", lines(*[f"X-{i}: y" for i in range(100)]))
taken("header of 60 KiB", lines("X: " + "y" * 60000))
taken("control characters", lines(b"X: a\x1b[2Jb\x7f\xff"))
taken("folded", lines("X : y", " more"))
taken("HTTP/1.0", after(b"HTTP/1.0 200 OK\r\n" + JSON.encode() + b"\r\n\r\n"))
taken("no reason", after(b"HTTP/1.1 200\r\n" + JSON.encode() + b"\r\n\r\n"))
taken("bare line feeds", after(b"HTTP/1.1 200 OK\n" + JSON.encode() + b"\n\n"))
gets("200 headers", lines(*[f"X-{i}: y" for i in range(200)]), "answer-too-large")
gets("header of 70 KiB", lines("X: " + "y" * 70000), "answer-too-large")
gets("header of 200 KiB", lines("X: " + "y" * 200000), "answer-too-large")
everywhere("endless headers", endless(b"X-More: and more\r\n", OK), "answer-too-large")
everywhere("endless header", endless(b"y" * 1024, OK + b"X: "), "answer-too-large")
everywhere("endless folds", endless(b" and more\r\n", OK + b"X: y\r\n"), "answer-too-large")
everywhere("endless reason", endless(b"y" * 1024, b"HTTP/1.1 200 "), "answer-too-large")
gets("no colon", lines("no colon here"), "unanswered")
gets("NUL in a header", lines(b"X: a\0b"), "unanswered")
for value in ("099", "1000", "2000", "-200", "20", "x"):
    gets(f"status {value}", after(f"HTTP/1.1 {value} OK\r\n{JSON}\r\n\r\n".encode()), "unanswered")
for value in ("HTTP/0.9", "HTTP/1.2", "HTTP/3", "HTTP/1.", "HTTP", "ICY", "RTSP/1.0"):
    gets(f"version {value}", after(f"{value} 200 OK\r\n{JSON}\r\n\r\n".encode()), "unanswered")
gets("HTTP/0.9, a body alone", after(b""), "unanswered")
gets("empty lines in front", after(b"\r\n\r\n" + OK + JSON.encode() + b"\r\n\r\n"), "unanswered")
gets("HTTP/2 settings", raw(b"\0\0\0\4\0\0\0\0\0" * 3), "unanswered")
gets("HTTP/2 preface", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "unanswered")
gets("TLS alert", raw(b"\x15\3\3\0\2\2\x50"), "unanswered")
gets("SSH", raw(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "unanswered")
gets("SMTP", raw(b"220 mail.example.org ready\r\n"), "unanswered")
gets("all bytes", raw(bytes(range(256)) * 16), "unanswered")
gets("zeros", raw(bytes(70000)), "unanswered")
everywhere("endless noise", endless(b"y" * 1024), "unanswered")
everywhere("endless empty lines", endless(b"\r\n"), "unanswered")

# --- interim answers ------------------------------------------------------------------------------

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
for interim in (HINTS, CONTINUE, b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 199 x\r\n\r\n"):
    everywhere(f"endless {interim[9:12].decode()}", endless(interim), "answer-too-large")
taken("five hints", lambda exchange: exchange.send(HINTS * 5 + answer(200, exchange.good())))
taken("100 before", lambda exchange: exchange.send(CONTINUE + answer(200, exchange.good())))
gets("hints alone", raw(HINTS), "unanswered")

# --- the connection -------------------------------------------------------------------------------
# Of a GET to which not a byte came back the realm is unreachable; with the keys some had come.

row("cut", raw(b""), "unanswered", "unreachable", "unanswered", "unanswered")
row("reset", lambda exchange: exchange.reset(), "unanswered", "unreachable", "unanswered",
    "unanswered")
gets("cut in the head", raw(b"HTTP/1.1 200 OK\r\nContent-Ty"), "answer-not-json")
everywhere("cut before the body", raw(head(200, JSON, "Content-Length: 500")), "unanswered")
everywhere("reset within the body", lambda exchange: exchange.reset(
    head(200, JSON, "Content-Length: 500") + b'{"a'), "unanswered")
taken("late", lambda exchange: exchange.wait(0.5) and exchange.send(answer(200, exchange.good())))

# --- no end: who waits for discovery or keys is told at the login's own deadline --------------

SLOW = len(TABLE)


def never(name, fault):
    row(name, fault, "unanswered", "timed-out", "timed-out", "unanswered")


never("hang", lambda exchange: exchange.hang())
never("hang after the head", lambda exchange: exchange.send(head(200, JSON, "Content-Length: 5"))
      and exchange.hang())
never("drip", lambda exchange: exchange.drip(answer(200, exchange.good())))
never("drip of a body", lambda exchange: exchange.send(head(200, JSON))
      and exchange.drip(exchange.good() or b" " * 9))
never("drip of chunks", lambda exchange: exchange.send(IN_CHUNKS)
      and exchange.drip(b"1\r\n \r\n" * 99, 0.2))
never("drip of hints", lambda exchange: exchange.drip(HINTS * 9, 0.1))
SLOW = {name for name, _, _ in TABLE[SLOW:]}

# --- what the endpoints mean ----------------------------------------------------------------------


def members(**changes):
    """Members of the right body set, or taken away by None."""
    def change(body):
        document = {**json.loads(body), **changes}
        return json.dumps({name: value for name, value in document.items() if value is not None})
    return spoilt(change)


for what, word, change in (
        ("without token", "answer-malformed", dict(access_token=None)),
        ("empty token", "answer-malformed", dict(access_token="")),
        ("token of another type", "answer-malformed", dict(access_token=["a.b.c"])),
        ("large token", "answer-too-large", dict(access_token="a." + "b" * 300000 + ".c")),
        ("token that is none", "malformed", dict(access_token="a.b.c")),
        ("token cut", "malformed", dict(access_token="eyJhbGciOiJSUzI1NiJ9.e30")),
        ("token of alg none", "alg-not-allowed", dict(access_token="eyJhbGciOiJub25lIn0.e30.")),
        ("encrypted token", "malformed", dict(access_token="e30.e30.e30.e30.e30")),
        ("large refresh token", "answer-too-large", dict(refresh_token="r" * 300000)),
        ("no token type", "answer-malformed", dict(token_type=None)),
        ("DPoP", "client-dpop-required", dict(token_type="DPoP")),
        ("MAC", "answer-malformed", dict(token_type="mac")),
        ("scope of another type", "answer-malformed", dict(scope=7)),
        ("large scope", "answer-too-large", dict(scope="s " * 9000)),
        ("error beside the token", "ok", dict(error="invalid_grant"))):
    row(what, members(**change), word)
for what, word, change in (
        ("another issuer", "realm-wrong-issuer", dict(issuer="http://127.0.0.1/realms/x")),
        ("no issuer", "answer-malformed", dict(issuer=None)),
        ("no keys", "answer-malformed", dict(jwks_uri=None)),
        ("no token endpoint", "answer-malformed", dict(token_endpoint=None)),
        ("token endpoint elsewhere", "answer-malformed", dict(token_endpoint="http://evil/token")),
        ("token endpoint with a user", "answer-malformed",
         dict(token_endpoint="http://a:b@127.0.0.1/token")),
        ("keys in a file", "answer-malformed", dict(jwks_uri="file:///etc/passwd")),
        ("endpoint that is no text", "answer-malformed", dict(token_endpoint=["http://127.1/"])),
        ("long endpoint", "answer-malformed", dict(end_session_endpoint="http://127.0.0.1/" +
                                                   "x" * 3000)),
        ("aliases that are none", "answer-malformed", dict(mtls_endpoint_aliases="x"))):
    row(what, members(**change), None, word)


def jwks(*listed):
    """A JWKS of these: the realm's first key with members changed, or whatever it is."""
    def change(body):
        first = json.loads(body)["keys"][0]
        changed = [{**first, **one} if isinstance(one, dict) else one for one in listed]
        return json.dumps({"keys": changed})
    return spoilt(change)


def bits(count):
    """An odd number of that many bits, as a key has it."""
    number = ((1 << count) - 1).to_bytes((count + 7) // 8, "big")
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode()


KEYS = [("no key", jwks()), ("RSA 16392", jwks({"n": bits(16392)})),
        ("RSA 65536", jwks({"n": bits(65536)})), ("RSA 1024", jwks({"n": bits(1024)})),
        ("even modulus", jwks({"n": bits(2048)[:-1] + "g"})), ("exponent 1", jwks({"e": "AQ"})),
        ("large exponent", jwks({"n": bits(4096), "e": bits(4096)})), ("no kid", jwks({"kid": ""})),
        ("long kid", jwks({"kid": "k" * 300})), ("for encryption", jwks({"use": "enc"})),
        ("symmetric", jwks({"kty": "oct", "k": "AAAA"})), ("unknown type", jwks({"kty": "PQ"})),
        ("unknown curve", jwks({"kty": "EC", "crv": "P-257", "x": "AA", "y": "AA"})),
        ("point off its curve", jwks({"kty": "EC", "crv": "P-256", "alg": "ES256",
                                      "x": bits(256), "y": bits(256)})),
        ("short Ed25519", jwks({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "AA"}))]
UNUSABLE = {name for name, _ in KEYS}
for what, fault in KEYS:
    row(what, fault, None, None, "key-unknown")
row("65 keys", jwks(*[{"kid": str(i)} for i in range(65)]), None, None, "answer-too-large")
row("keys that are none", jwks({}, 7), None, None, "answer-malformed")
row("keys in an object", spoilt(lambda body: b'{"keys":{}}'), None, None, "answer-malformed")
row("keys twice", spoilt(lambda body: body[:-1] + b',"keys":[]}'), None, None, "answer-malformed")
row("bad keys beside it", jwks({"kid": "a", "n": bits(20000)}, {"kid": "b", "kty": "oct"}, {}),
    None, None, "ok")
