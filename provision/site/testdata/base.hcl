site "gru1" {
  operator = "raices"
  lab      = true
  host "Example IX" {
    asn       = 64500
    as_set    = "AS-EXAMPLE"
    bandwidth = "100Mbps"
    reserve   = ["203.0.113.0/28"]
    location {
      city       = "São Paulo"
      country    = "BR"
      iata       = "GRU"
      rack_units = 2
    }
    contact "noc" {
      email = "noc@example.net"
      phone = "+55 11 5555 0100"
    }
    router "edge1" {
      os = "junos"
    }
  }
  bmc {
    addresses   = ["192.0.2.10/28", "2001:db8:0:1::10/64"]
    gateways    = ["192.0.2.1", "2001:db8:0:1::1"]
    ntp         = ["192.0.2.1"]
    hostname    = "gru1-bmc"
    username    = "raiz"
    password    = env("BMC")
    certificate = "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"
    factory {
      address  = "192.168.0.120"
      username = "root"
      password = env("FACTORY")
    }
  }
  server {
    hostname = "gru1"
    dns      = ["192.0.2.2"]
    ntp      = ["time.example.net"]
    ssh {
      host_key  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4 root@gru1"
      bootstrap = "192.0.2.30"
      from      = ["203.0.113.64/26"]
      jump "bastion" {
        address  = "203.0.113.65"
        host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDIoysGOzoaSHDTNPeLWHo9XSE9jO35Z/yiRyNJbXes1"
      }
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
    asn = 112
    neighbor "edge1" {
      asn       = 64500
      addresses = ["198.51.100.0", "2001:db8:0:3::2"]
      password  = env("BGP")
      ttl_security = true
    }
  }
  anycast "as112" {
    prefixes  = ["192.175.48.0/24", "2620:4f:8000::/48"]
    addresses = ["192.175.48.1", "2620:4f:8000::1"]
  }
  dns {
    identity = "gru1.example.net"
    key "xfr.example.net" {
      secret = env("TSIG")
    }
    zone "." {
      primaries = ["192.0.2.53"]
      key       = "xfr.example.net"
    }
  }
}
