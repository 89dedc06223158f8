#!/usr/bin/env python3
"""Takes down /proc/self/net of a network namespace in which it has brought about
what a guard looks for, and beside it, in truth.json, what it has brought about.

    sudo unshare --net ./take.py
"""
import json, os, socket, subprocess

SERVER4, SERVER6, MAPPED, CLIENT4, CLIENT6 = "192.0.2.1", "2001:db8::1", "192.0.2.2", "198.51.100.9", "2001:db8::9"
for words in (["link", "set", "lo", "up"], *(["address", "add", a + m, "dev", "lo"] for a, m in (
        (SERVER4, "/32"), (MAPPED, "/32"), (CLIENT4, "/32"), (SERVER6, "/128"), (CLIENT6, "/128")))):
    subprocess.run(["ip", *words], check=True)

kept, truth = [], {"drops": 0, "sent": 0, "conns": {}}


def listener(family, address, port=53, both=False):
    s = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
    s.bind((address, port))
    s.listen(64)
    kept.append(s)


listener(socket.AF_INET, SERVER4)
listener(socket.AF_INET6, SERVER6)
listener(socket.AF_INET6, "::ffff:" + MAPPED, both=True)
listener(socket.AF_INET, SERVER4, 5353)  # nobody asks for this one
for source, to, n in ((CLIENT4, SERVER4, 3), ("127.0.0.1", SERVER4, 2), (CLIENT6, SERVER6, 4), ("::1", SERVER6, 1),
                      (CLIENT4, MAPPED, 5), ("127.0.0.1", MAPPED, 1)):
    for _ in range(n):
        kept.append(socket.create_connection((to, 53), source_address=(source, 0)))
    if source not in ("127.0.0.1", "::1"):
        truth["conns"][to] = n
kept.append(socket.create_connection((SERVER4, 5353), source_address=(CLIENT4, 0)))

for family, address, port, n in ((socket.AF_INET, SERVER4, 53, 90), (socket.AF_INET6, SERVER6, 53, 70), (socket.AF_INET, SERVER4, 5353, 50)):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.bind((address, port))
    client = socket.socket(family, socket.SOCK_DGRAM)
    for _ in range(n):
        client.sendto(b"x" * 500, (address, port))
        truth["sent"] += 1
    s.setblocking(False)
    got = 0
    try:
        while s.recv(9000):
            got += 1
    except BlockingIOError:
        pass
    if port == 53:
        truth["drops"] += n - got
    kept += [s, client]

for name in ("udp", "udp6", "snmp", "snmp6", "tcp", "tcp6"):
    with open("/proc/self/net/" + name) as f, open(name, "w") as to:
        to.write(f.read())
with open("truth.json", "w") as f:
    json.dump(truth, f)
    f.write("\n")
