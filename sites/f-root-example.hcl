# A copy of a root server in the shape of F-root: the site peers from an AS of
# its own with the origin behind it, the /24 stays with the host and its
# customers while the /23 spreads, and a transit session beside gives a way out
# and is told nothing. sites/root-example.hcl is the example to begin with.

site "f-root-example" {
  operator = "isc-f"
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

    router "edge1" {
      os      = "routeros"
      version = "7.16"
    }
  }

  bmc {
    addresses     = ["192.0.2.10/28", "2001:db8:0:1::10/64"]
    gateways      = ["192.0.2.1", "2001:db8:0:1::1"]
    dns           = ["192.0.2.1"]
    ntp           = ["192.0.2.1"]
    hostname      = "gru4-bmc"
    username      = "raiz"
    password      = env("GRU4_BMC_PASSWORD")
    certificate   = "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"
    power_restore = "always-on"

    factory {
      address  = "192.168.0.120"
      username = "root"
      password = env("GRU4_BMC_FACTORY")
    }
  }

  server {
    hostname = "gru4"
    ntp      = ["192.0.2.1", "2001:db8:0:1::1"]
    dns      = ["192.0.2.1"]

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
    asn       = 64510 # the site's own
    router_id = "192.0.2.20"

    neighbor "edge1" {
      asn          = 64500
      addresses    = ["198.51.100.2", "2001:db8:0:3::2"]
      password     = env("GRU4_EDGE1_PASSWORD")
      ttl_security = true
      bfd          = true
      role         = "customer"
      accept       = "default"
    }

    neighbor "transit" {
      transit      = true
      asn          = 64501
      addresses    = ["198.51.100.4", "2001:db8:0:3::4"]
      password     = env("GRU4_TRANSIT_PASSWORD")
      ttl_security = true
      accept       = "default"
      announce     = "nothing"
    }
  }

  anycast "f-root" {
    letter    = "f"
    prefixes  = ["192.5.5.0/24", "192.5.4.0/23", "2001:500:2f::/48", "2001:500:2e::/47"]
    addresses = ["192.5.5.241", "2001:500:2f::f"]
    as_path   = [3557]

    # Who prefers a way that may not be passed on passes none on: the covering
    # blocks, which are not tagged, give everybody else one.
    propagation    = "global"
    local_prefixes = ["192.5.5.0/24", "2001:500:2f::/48"]
  }

  dns {
    identity = "gru4a.f.example.net"

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
      secret = env("F_ROOT_COOKIE_SECRET")
    }

    key "gru4.f.example.net" {
      algorithm = "hmac-sha256"
      secret    = env("GRU4_XFR_SECRET")
    }

    zone "." {
      primaries = ["203.0.113.53", "2001:db8:53::53", "203.0.113.181", "2001:db8:181::53"]
      key       = "gru4.f.example.net"
    }

    zone "root-servers.net" {
      primaries  = ["203.0.113.53", "2001:db8:53::53", "203.0.113.181", "2001:db8:181::53"]
      key        = "gru4.f.example.net"
      unverified = "root-servers.net is not signed"
    }
  }
}
