# L-root, the ICANN Managed Root Server: an appliance outside of the host's
# firewalls, at routable addresses, that nobody but ICANN logs in to.

profile "icann-imrs" {
  title = "ICANN, L-root (IMRS)"

  rule "origin-known" {
    value  = "20144"
    source = "https://www.dns.icann.org/imrs/faq"
    as_of  = "2026-11-23"
  }

  rule "blocks-known" {
    severity = "warning"
    value    = "199.7.82.0/23,199.7.83.0/24,2001:500:3::/48,2001:500:9e::/47,2001:500:9f::/48"
    source   = "https://www.dns.icann.org/imrs/faq"
    as_of    = "2026-11-23"
  }

  rule "addr-global" {
    source = "https://www.dns.icann.org/imrs/faq"
    as_of  = "2026-11-23"
  }

  rule "service-public" {
    source = "https://www.dns.icann.org/imrs/faq"
    as_of  = "2026-11-23"
  }

  rule "af-symmetry" {
    source = "https://www.dns.icann.org/imrs/faq"
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
