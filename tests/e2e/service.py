"""A service in a container: it makes requests with its key and secret, and reads these again when inotify says that the
secret was written, and at no other time.

    service.py KEY SECRET SOCKET PATH

Requests go one after the other to an HTTP server behind SOCKET, which says in X-Version whose version it took. Printed
is a line "TIME version N" for each new one, "TIME refused STATUS" for a request that was not answered with 200, and
"TIME served COUNT" now and then; TIME is in hundredths of a second since the start of the machine.
"""
import base64
import ctypes
import http.client
import os
import socket
import sys
import threading
import time

IN_MODIFY, IN_CLOSE_WRITE = 0x2, 0x8


def log(*words):
    print(int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100), *words, flush=True)


class Credential:
    def __init__(self, key, secret):
        self.files = key, secret
        libc = ctypes.CDLL(None, use_errno=True)
        self.watch = libc.inotify_init1(os.O_CLOEXEC)
        if self.watch < 0 or libc.inotify_add_watch(self.watch, os.fsencode(secret), IN_MODIFY | IN_CLOSE_WRITE) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self.read()
        threading.Thread(target=self.follow, daemon=True).start()

    def read(self):
        values = []
        for name in self.files:
            with open(name, encoding="ascii") as file:
                values.append(file.read().rstrip("\n"))
        self.basic = base64.b64encode(":".join(values).encode()).decode()

    def follow(self):
        while os.read(self.watch, 4096):
            self.read()


def serve(credential, path, address):
    server = http.client.HTTPConnection("localhost")
    server.sock = socket.socket(socket.AF_UNIX)
    server.sock.connect(address)
    count, version = 0, None
    while True:
        server.request("GET", path, headers={"Authorization": "Basic " + credential.basic})
        answer = server.getresponse()
        answer.read()
        if answer.status != 200:
            log("refused", answer.status)
        elif answer.headers["X-Version"] != version:
            version = answer.headers["X-Version"]
            log("version", version)
        count += 1
        if count % 50 == 0:
            log("served", count)
        time.sleep(0.005)


serve(Credential(sys.argv[1], sys.argv[2]), sys.argv[4], sys.argv[3])
