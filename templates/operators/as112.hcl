# AS112 is run by anybody who wants to, by the rules of RFC 7534 and RFC 7535.

profile "as112" {
  title = "AS112"

  rule "origin-known" {
    value  = "112"
    source = "https://www.rfc-editor.org/rfc/rfc7534"
    as_of  = "2026-11-23"
  }

  rule "blocks-known" {
    value  = "192.175.48.0/24,2620:4f:8000::/48,192.31.196.0/24,2001:4:112::/48"
    source = "https://www.rfc-editor.org/rfc/rfc7534"
    as_of  = "2026-11-23"
  }

  rule "host-asn" {
    source = "https://www.rfc-editor.org/rfc/rfc7534"
    as_of  = "2026-11-23"
  }

  # RFC 7534 section 5: queries come from far beyond the host's own network.
  rule "contacts" {
    severity = "warning"
    value    = "noc"
    source   = "https://www.rfc-editor.org/rfc/rfc7534"
    as_of    = "2026-11-23"
  }

  rule "af-symmetry" {
    severity = "warning"
    source   = "https://www.rfc-editor.org/rfc/rfc7534"
    as_of    = "2026-11-23"
  }

  # Whoever runs it may reach it by a network of their own.
  rule "addr-global" {
    severity = "warning"
    source   = "https://www.rfc-editor.org/rfc/rfc7534"
    as_of    = "2026-11-23"
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
