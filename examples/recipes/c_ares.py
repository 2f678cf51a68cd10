"""c_ares.cpp against dnsmasq, which knows some names, and a socket that nobody reads."""

import socket

import peer

PORT = 15353
EXPECTED = """\
192.0.2.1; 192.0.2.2 2001:db8::2; 2001:db8::2
nobody.test: Domain name not found
100 of 100 at once
many.test has 64 addresses
the loop knows 192.0.2.1:80
no connection: Domain name not found
Timeout while contacting DNS servers
too long
Channel is being destroyed
"""


def all_of_it() -> None:
    program = peer.find("dnsmasq-base", "dnsmasq")
    address = peer.loopback()
    with peer.folder() as folder, socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind((address, 0))
        hosts = folder / "hosts"
        hosts.write_text("".join(f"198.51.100.{number} many.test\n" for number in range(64)))
        settings = folder / "dnsmasq.conf"
        settings.write_text(
            f"listen-address={address}\nport={PORT}\nbind-interfaces\nno-resolv\nno-hosts\n"
            f"addn-hosts={hosts}\nlocal=/test/\nhost-record=one.test,192.0.2.1\n"
            "host-record=both.test,192.0.2.2,2001:db8::2\naddress=/any.test/192.0.2.9\n"
        )
        command = [program, "--no-daemon", f"--conf-file={settings}", "--pid-file="]
        is_up = lambda: peer.answers(socket.AF_INET, (address, PORT))  # noqa: E731
        with peer.serving(command, is_up, folder / "log"):
            result = peer.run(f"{address}:{PORT}", "{}:{}".format(*silent.getsockname()))
    peer.check_output(result, EXPECTED)


peer.main(all_of_it)
