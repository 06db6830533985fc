#!/usr/bin/env python3
"""Compresses or restores a file through `lepta serve`, and keeps the result only if it is right.

    client.py SOCKET compress|decompress INPUT OUTPUT [level=fast ...]

Needs nothing but Python's own library. `http.client` and `requests` throw trailers away and send all
of a body before they read an answer; so this reads while it sends, and reads the trailers. With those
libraries take `buffer=1`: then the verdict is in the headers, and an answer is held by the server.
"""

import contextlib
import http.client
import os
import socket
import sys
import threading

PIECE = 1 << 16


class NoResult(Exception):
    """There is no result, or none that is whole and verified."""


def send(connection, source):
    """Sends the body in chunks. The server may answer without having read all of it."""
    with contextlib.suppress(ConnectionError):
        while piece := source.read(PIECE):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")


def read_chunks(answer):
    """The pieces of the answer's body, up to its last chunk."""
    while True:
        length_line = answer.readline(64)
        if not length_line.endswith(b"\r\n"):
            raise NoResult("the answer was broken off: its verdict is bad")
        if not (length := int(length_line, 16)):
            return
        piece = answer.read(length)
        if len(piece) < length or answer.read(2) != b"\r\n":
            raise NoResult("the answer was broken off: its verdict is bad")
        yield piece


def convert(socket_path, operation, source, target, query=""):
    """Sends `source` and writes the result to `target`; returns the verdict's fields.

    What was written counts only if this returns.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(300)
        connection.connect(socket_path)
        connection.sendall(
            f"POST /v1/{operation}?{query} HTTP/1.1\r\n"
            "Host: lepta\r\nConnection: TE, close\r\nTE: trailers\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        sender = threading.Thread(target=send, args=(connection, source))
        sender.start()
        try:
            answer = connection.makefile("rb")
            status = int(answer.readline(1000).split()[1])
            fields = http.client.parse_headers(answer)
            if status != 200:
                problem = answer.read(int(fields["Content-Length"])).decode()
                raise NoResult(f"{status}: {problem}")
            for piece in read_chunks(answer):
                target.write(piece)
            verdict = http.client.parse_headers(answer)
        finally:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            sender.join()
    if verdict["Lepta-Verdict"] != "verified":
        raise NoResult("the answer has no verdict")
    return verdict


def main():
    socket_path, operation, source_name, target_name, *options = sys.argv[1:]
    partial = target_name + ".part"
    try:
        with open(source_name, "rb") as source, open(partial, "wb") as target:
            verdict = convert(socket_path, operation, source, target, "&".join(options))
            target.flush()
            os.fsync(target.fileno())
        os.rename(partial, target_name)
    except NoResult as reason:
        os.unlink(partial)
        sys.exit(f"client.py: {reason}")
    print(f"{verdict['Lepta-Bytes-In']} -> {verdict['Lepta-Bytes-Out']} bytes", end="")
    print(f", saving {verdict['Lepta-Saving']} %" if verdict["Lepta-Saving"] else "")


if __name__ == "__main__":
    main()
