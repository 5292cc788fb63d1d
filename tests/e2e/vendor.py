"""A vendor's gateway and token services, for curl.bats: it knows one credential and checks what arrives.

    vendor.py DIRECTORY    listens on a port of 127.0.0.1 and writes its number to DIRECTORY/port

DIRECTORY/credential   what it knows, a JSON object: key, secret, token, username, password; read for each request
DIRECTORY/mode         what becomes of requests for a token: a word of MODES; none: they are answered
DIRECTORY/log          a line for each request: what it was for and what it got; nothing of a credential

Requests are read as the bytes that they are: http.server would interpret what the tests are about.
"""
import base64
import json
import os
import socketserver
import sys
import time
import urllib.parse

DIRECTORY = sys.argv[1]
TOKENS = {"/oauth/token": [], "/login/token": []}  # those that were given out
MODES = {
    "string": b'{"token_type": "Bearer", "access_token": "%s", "expires_in": "1799"}',
    "short": b'{"access_token": "%s", "expires_in": 1}',
    "html": b"<html>%s</html>",
    "none": b'{"token": "%s"}',
    "injection": b'{"access_token": "x\\"\\nurl = \\"file:///etc/passwd", "was": "%s"}',
    "endless": b'{"access_token": "%s", "pad": "' + b"x" * 200000 + b'"}',
}


def path(name):
    return os.path.join(DIRECTORY, name)


def known():
    with open(path("credential"), encoding="utf-8") as file:
        return {name: value.encode() for name, value in json.load(file).items()}


def mode():
    try:
        with open(path("mode"), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return "string"


class Request:
    def __init__(self, file):
        self.line = file.readline().rstrip(b"\r\n").decode()
        self.headers = []
        for line in iter(lambda: file.readline().rstrip(b"\r\n"), b""):
            name, _, value = line.partition(b":")
            self.headers.append((name.lower().decode(), value.strip(b" ")))
        self.body = file.read(int(self.header("content-length") or 0))

    def header(self, name):
        values = [value for known_name, value in self.headers if known_name == name]
        return values[0] if len(values) == 1 else None

    def form(self):
        pairs = [pair.replace(b"+", b" ").split(b"=") for pair in self.body.split(b"&")]
        return [tuple(urllib.parse.unquote_to_bytes(word) for word in pair) for pair in pairs]


def may_have_token(request, service, credential):
    if service == "/oauth/token":
        basic = base64.b64encode(credential["key"] + b":" + credential["secret"])
        return (request.header("authorization") == b"Basic " + basic
                and request.form() == [(b"grant_type", b"client_credentials")])
    return (request.header("8x8-apikey") == credential["key"]
            and request.form() == [(b"username", credential["username"]), (b"password", credential["password"])])


def may_call(request, target, credential):
    bearer = request.header("authorization")
    given = {"/oauth": "/oauth/token", "/login": "/login/token"}.get(target)
    if given and not (TOKENS[given] and bearer == b"Bearer " + TOKENS[given][-1]):
        return False
    wanted = {
        "/oauth": {},
        "/login": {"8x8-apikey": "key"},
        "/two-headers": {"8x8-apikey": "key", "token": "token"},
        "/one-header": {"x-api-key": "key"},
    }[target]
    return (given or bearer is None) and all(request.header(name) == credential[of] for name, of in wanted.items())


def give_token(request, service):
    how = mode()
    if how.startswith("after "):
        time.sleep(float(how.split()[1]))
        how = "string"
    if how.isdigit():
        return int(how), b"{}"
    if not may_have_token(request, service, known()):
        return 401, b'{"error": "invalid_client"}'
    token = f"access-{len(TOKENS[service])}-{os.urandom(6).hex()}".encode()
    TOKENS[service].append(token)
    return 200, MODES[how] % token


def answer(request):
    verb, target, _ = request.line.split(" ")
    if verb == "POST" and target in TOKENS:
        return give_token(request, target)
    if verb == "GET" and may_call(request, target, known()):
        return 200, b"welcome\n"
    return 401, b"who are you?\n"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        request = Request(self.rfile)
        with open(path("log"), "a", encoding="utf-8") as log:
            log.write(f"asked {request.line}\n")
        status, body = answer(request)
        with open(path("log"), "a", encoding="utf-8") as log:
            log.write(f"{status} {request.line}\n")
        head = f"HTTP/1.1 {status} As it is\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        try:
            self.wfile.write(head.encode() + body)
        except OSError:
            pass  # who asked has gone


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    with open(path("port.new"), "w", encoding="utf-8") as port:
        port.write(str(server.server_address[1]))
    os.rename(path("port.new"), path("port"))
    server.serve_forever()
