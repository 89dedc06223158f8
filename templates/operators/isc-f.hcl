# F-root, by ISC. Each of its sites peers from an AS of its own with the origin
# behind it: as_path = [3557].

profile "isc-f" {
  title = "ISC, F-root"

  rule "origin-known" {
    value  = "3557"
    source = "https://www.isc.org/f-root/network-peering"
    as_of  = "2026-11-23"
  }

  rule "blocks-known" {
    severity = "warning"
    value    = "192.5.5.0/24,192.5.4.0/23,2001:500:2f::/48,2001:500:2e::/47"
    source   = "J. Abley, ipv6-ops, 2008-02-11"
    as_of    = "2026-11-23"
  }

  rule "bmc" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  # The controller may have IPv4 alone.
  rule "bmc-ipv4" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  rule "management-ipv4" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  rule "management-ipv6" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  rule "link-ipv4" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  rule "link-ipv6" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  rule "addr-global" {
    source = "ISC, F-Root technical requirements"
    as_of  = "2026-11-23"
  }

  rule "af-symmetry" {
    source = "ISC, F-Root technical requirements"
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
