# A copy of a root server in the shape of K-root at a made-up exchange point in
# São Paulo: the example to rehearse with. The root zone and root-servers.net
# come from two primaries under TSIG; the root is served only when its
# signatures lead to a trust anchor and its ZONEMD is right. docs/zones.md tells
# what happens when they do not. sites/reference.hcl explains every word.

site "root-example" {
  operator = "ripe-k"
  lab      = true # documentation addresses: only `raiz rehearse` runs it

  host "Example IX" {
    asn       = 64500
    as_set    = "AS-EXAMPLE"
    bandwidth = "1Gbps"

    location {
      city       = "São Paulo"
      country    = "BR"
      iata       = "GRU"
      facility   = "Example DC 1"
      rack_units = 2
    }

    contact "noc" {
      email = "noc@example.net"
      phone = "+55 11 5555 0100"
    }

    # The server has a session with each, so that one may be taken down.
    router "edge1" {
      os      = "routeros"
      version = "7.16"
    }

    router "edge2" {
      os      = "junos"
      version = "23.4R2"
    }
  }

  bmc {
    addresses     = ["192.0.2.10/28", "2001:db8:0:1::10/64"]
    gateways      = ["192.0.2.1", "2001:db8:0:1::1"]
    dns           = ["192.0.2.1"]
    ntp           = ["192.0.2.1"]
    hostname      = "gru2-bmc"
    username      = "raiz"
    password      = env("GRU2_BMC_PASSWORD")
    certificate   = "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"
    power_restore = "always-on"

    factory {
      address  = "192.168.0.120"
      username = "root"
      password = env("GRU2_BMC_FACTORY")
    }
  }

  server {
    hostname = "gru2"
    ntp      = ["192.0.2.1", "2001:db8:0:1::1"]
    dns      = ["192.0.2.1"]
    updates  = "by-hand"

    ssh {
      user      = "root"
      identity  = "~/.ssh/raiz"
      host_key  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4"
      bootstrap = "192.0.2.30" # where it answers before the first apply

      # The operator's own networks, and nobody else.
      from = ["203.0.113.64/26", "2001:db8:100::/48"]
    }

    interface "management" {
      match     = { name = "eno1" }
      addresses = ["192.0.2.20/28", "2001:db8:0:2::20/64"]
      gateways  = ["192.0.2.17", "2001:db8:0:2::1"]
    }

    interface "service" {
      match     = { mac = "02:00:00:00:00:02" }
      addresses = ["198.51.100.1/29", "2001:db8:0:3::1/64"]
    }
  }

  bgp {
    asn       = 25152
    router_id = "192.0.2.20"

    neighbor "edge1" {
      asn          = 64500
      addresses    = ["198.51.100.2", "2001:db8:0:3::2"]
      password     = env("GRU2_EDGE1_PASSWORD")
      ttl_security = true
      bfd          = true
      role         = "customer"
      accept       = "default"
    }

    neighbor "edge2" {
      asn          = 64500
      addresses    = ["198.51.100.3", "2001:db8:0:3::3"]
      password     = env("GRU2_EDGE2_PASSWORD")
      ttl_security = true
      accept       = "default"
    }
  }

  anycast "k-root" {
    letter      = "k"
    prefixes    = ["193.0.14.0/24", "193.0.14.0/23", "2001:7fd::/48"]
    addresses   = ["193.0.14.129", "2001:7fd::1"]
    origin_asn  = 25152
    propagation = "global"
  }

  dns {
    identity = "ns1.gru2.k.example.net"

    # The keys that IANA publishes. A rehearsal makes its own.
    trust_anchors = "root"

    # One network gets so many answers of one kind a second over UDP; of the
    # others every second one is sent truncated, and real clients ask over TCP.
    rate_limit {
      responses_per_second = 200
      slip                 = 2
    }

    # The same at all copies of the letter.
    cookie {
      secret = env("K_ROOT_COOKIE_SECRET")
    }

    key "gru2.k.example.net" {
      algorithm = "hmac-sha256"
      secret    = env("GRU2_XFR_SECRET")
    }

    zone "." {
      primaries = ["203.0.113.53", "2001:db8:53::53", "203.0.113.181", "2001:db8:181::53"]
      key       = "gru2.k.example.net"
    }

    zone "root-servers.net" {
      primaries  = ["203.0.113.53", "2001:db8:53::53", "203.0.113.181", "2001:db8:181::53"]
      key        = "gru2.k.example.net"
      unverified = "root-servers.net is not signed"
    }
  }
}
