# K-root, by the RIPE NCC: one server that does DNS and BGP, which peers with
# its host only; the host passes the routes on.

profile "ripe-k" {
  title = "RIPE NCC, K-root"

  # https://www.ripe.net/analyse/dns/hosted-dns-requirements, as of 2026-11-23:
  # four CPUs or cores, 8 GB, two disks as RAID 1 in hardware, two ports.
  hardware {
    cores      = 4
    memory_gib = 8
    disks      = 2
    raid       = "raid1"
    nics       = 2
  }

  # The same: a server of Dell, whose iDRAC has an Enterprise licence; an Express
  # one is refused. Datacenter is above it.
  expect {
    licences = ["iDRAC Enterprise", "iDRAC Datacenter"]
  }

  rule "origin-known" {
    value  = "25152"
    source = "https://www.ripe.net/analyse/dns/hosted-dns-requirements"
    as_of  = "2026-11-23"
  }

  rule "blocks-known" {
    severity = "warning"
    value    = "193.0.14.0/24,193.0.14.0/23,2001:7fd::/48,2001:7fd::/32"
    source   = "RIPE registry, ROAs of AS25152 in 2017"
    as_of    = "2026-11-23"
  }

  # No hosted node is kept local any more.
  rule "propagation" {
    value  = "global"
    source = "RIPE Labs, New architecture for K-root local nodes, 2015"
    as_of  = "2026-11-23"
  }

  # A virtual machine may do, which has no controller.
  rule "bmc" {
    severity = "warning"
    source   = "https://www.ripe.net/analyse/dns/hosted-dns-requirements"
    as_of    = "2026-11-23"
  }

  rule "bmc-ipv4" {
    severity = "warning"
    source   = "RIPE NCC, requirements for hosting an instance of K-root"
    as_of    = "2026-11-23"
  }

  # IPv6 is needed, IPv4 may be there.
  rule "management-ipv6" {
    source = "https://www.ripe.net/analyse/dns/hosted-dns-requirements"
    as_of  = "2026-11-23"
  }

  rule "addr-global" {
    source = "https://www.ripe.net/analyse/dns/hosted-dns-requirements"
    as_of  = "2026-11-23"
  }

  rule "link-ipv4" {
    source = "https://www.ripe.net/analyse/dns/hosted-dns-requirements"
    as_of  = "2026-11-23"
  }

  rule "link-ipv6" {
    source = "https://www.ripe.net/analyse/dns/hosted-dns-requirements"
    as_of  = "2026-11-23"
  }

  rule "af-symmetry" {
    source = "RIPE NCC, requirements for hosting an instance of K-root"
    as_of  = "2026-11-23"
  }

  # Protections that every copy has, or says why not: sessions that nobody else
  # can reset or speak on (RFC 7454 sections 5.1 and 5.2), and a login that is
  # there for the operator's own networks alone (RFC 4778 section 2.2.2).
  rule "bgp-password" {
    source = "https://www.rfc-editor.org/rfc/rfc7454"
    as_of  = "2026-11-23"
  }

  rule "ttl-security" {
    source = "https://www.rfc-editor.org/rfc/rfc7454"
    as_of  = "2026-11-23"
  }

  rule "ssh-networks" {
    source = "https://www.rfc-editor.org/rfc/rfc4778"
    as_of  = "2026-11-23"
  }
}
