# What the example and the reference do not show: a tagged management link
# on an interface known by its MAC, another user, port and networks for SSH,
# blocks for the host alone, a neighbor without password that nothing is
# accepted from, jumbo frames, no controller.
site "variant" {
  operator = "lab"
  lab      = true

  host "Example North IX" {
    asn = 64500
    location {
      city    = "Montevideo"
      country = "UY"
      iata    = "MVD"
    }
    contact "noc" {
      email = "noc@example.net"
    }
    router "edge-1" {
      os = "bird"
    }
  }

  server {
    hostname = "mvd1"
    dns      = ["192.0.2.1", "2001:db8::53"]
    ntp      = ["time.example.net"]

    ssh {
      user     = "operator"
      port     = 2222
      identity = "~/.ssh/raiz"
      from     = ["198.51.100.128/25", "2001:db8:9::/48", "192.0.2.128/25"]
      host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4"
    }
    interface "management" {
      match     = { mac = "02:00:00:00:00:01" }
      addresses = ["192.0.2.20/28"]
      gateways  = ["192.0.2.17"]
      vlan      = 4094
    }
    interface "service" {
      match     = { name = "enp1s0f1np1" }
      addresses = ["198.51.100.1/31", "2001:db8:0:3::1/64"]
      mtu       = 9000
    }
  }

  bgp {
    asn = 64501
    neighbor "edge-1" {
      asn           = 64500
      addresses     = ["198.51.100.0", "2001:db8:0:3::2"]
      hold_time     = 30
      receive_limit = 1
    }
  }

  anycast "near" {
    prefixes    = ["203.0.113.0/24", "2001:db8:53::/48"]
    addresses   = ["203.0.113.53", "2001:db8:53::53"]
    propagation = "local"
  }
  anycast "far" {
    prefixes    = ["192.175.48.0/24"]
    addresses   = ["192.175.48.1"]
    propagation = "global"
  }

  dns {
    identity = "mvd1.example.net"
    zone "10.in-addr.arpa" {
      source = "as112"
    }
    zone "example.net" {
      primaries       = ["192.0.2.53"]
      unauthenticated = "the primary is in the same rack"
      unverified      = "the zone has no ZONEMD"
    }
  }
}
