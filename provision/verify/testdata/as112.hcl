# The smallest copy that has everything to verify: one neighbor, one block a
# family.

locals {
  # RFC 7534 section 3.2.3.
  as112_zones = concat(
    ["10.in-addr.arpa"],
    [for n in range(16, 32) : "${n}.172.in-addr.arpa"],
    ["168.192.in-addr.arpa", "254.169.in-addr.arpa", "hostname.as112.net"],
  )
}

site "as112-gru1" {
  operator = "as112"
  lab      = true # documentation addresses: only `raiz rehearse` runs it

  host "Example IX" {
    asn       = 64500
    as_set    = "AS-EXAMPLE"
    bandwidth = "100Mbps"

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
    hostname      = "gru1-bmc"
    username      = "raiz"
    password      = env("GRU1_BMC_PASSWORD")
    certificate   = "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"
    power_restore = "always-on"

    expect {
      firmware    = "1.2"
      bios        = "2.0"
      licences    = ["iDRAC Enterprise", "iDRAC Datacenter"]
      secure_boot = true
      tpm         = "2.0"

      event_log {
        since = "720h"
      }
    }

    factory {
      address  = "192.168.0.120"
      username = "root"
      password = env("GRU1_BMC_FACTORY")
    }
  }

  server {
    hostname = "gru1"
    ntp      = ["192.0.2.1"]
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
      addresses = ["198.51.100.1/31", "2001:db8:0:3::1/64"]
    }
  }

  bgp {
    asn       = 112
    router_id = "192.0.2.20"

    neighbor "edge1" {
      asn          = 64500
      addresses    = ["198.51.100.0", "2001:db8:0:3::2"]
      password     = env("GRU1_BGP_PASSWORD")
      ttl_security = true
      accept       = "default"
    }
  }

  anycast "as112" {
    prefixes    = ["192.175.48.0/24", "2620:4f:8000::/48"]
    addresses   = concat([for n in [1, 6, 42] : "192.175.48.${n}"], [for n in [1, 6, 42] : "2620:4f:8000::${n}"])
    origin_asn  = 112
    propagation = "global"
  }

  dns {
    identity = "gru1.as112.example.net"

    dynamic "zone" {
      for_each = local.as112_zones
      labels   = [zone.value]
      content {
        source = "as112"
      }
    }
  }
}
