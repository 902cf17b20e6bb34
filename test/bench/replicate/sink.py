"""Owns the fast end of the loopback server: takes PUTs, counts their bytes and lets the kernel drop them unread.

`sink.py` prints its port and serves until stdin closes, then prints the bytes that it took and its processor seconds; `sink.py send PORT FILE` puts a file there and prints the seconds.
A program of its own in Python: Node has no way to drop what lies in a socket without copying it.
"""
import json
import os
import re
import socket
import sys
import threading
import time

BLOCK = 1 << 20
taken = 0
# Linux drops that many bytes of a TCP stream without copying them. Source: tcp(7), MSG_TRUNC.
DROP = getattr(socket, "MSG_TRUNC", 0) if sys.platform == "linux" else 0


def answer(head):
    part = re.search(rb"(?i)content-range: bytes (\d+)-(\d+)/(\d+)", head)
    if part and int(part[2]) + 1 < int(part[3]):
        return b"HTTP/1.1 308 Resume Incomplete\r\nRange: bytes=0-%s\r\nContent-Length: 0\r\n\r\n" % part[2]
    size = part[3].decode() if part else "0"
    body = json.dumps({"name": "discarded", "size": size, "generation": "1", "updated": "2026-01-01T00:00:00Z"}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def serve(connection):
    global taken
    block = bytearray(BLOCK)
    rest = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in rest:
                more = connection.recv(65536)
                if not more:
                    return
                rest += more
            head, rest = rest.split(b"\r\n\r\n", 1)
            if b"100-continue" in head.lower():
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(rest)
            rest = b""
            while left > 0:
                got = connection.recv_into(block, min(left, BLOCK), DROP)
                if got == 0:
                    return
                left -= got
                taken += got
            connection.sendall(answer(head))


def listen():
    server = socket.create_server(("127.0.0.1", 0), backlog=8)
    print(server.getsockname()[1], flush=True)

    def accept():
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    started = time.process_time()
    sys.stdin.read()
    print(taken, time.process_time() - started, flush=True)


def send(port, path):
    # Without a copy on this side either: what is measured is how fast the sink takes bytes.
    with open(path, "rb") as file, socket.create_connection(("127.0.0.1", port)) as connection:
        size = os.fstat(file.fileno()).st_size
        started = time.monotonic()
        connection.sendall(b"PUT / HTTP/1.1\r\nHost: sink\r\nContent-Length: %d\r\n\r\n" % size)
        connection.sendfile(file)
        connection.recv(4096)
        print(time.monotonic() - started)


if len(sys.argv) > 1:
    send(int(sys.argv[2]), sys.argv[3])
else:
    listen()
