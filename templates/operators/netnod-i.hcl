# I-root, by Netnod. Its technical sheet was not to be had, so that nothing is
# asked for that could be a guess; the blocks are Netnod's to say, since the
# published ROA and the routing tables disagree about the length.

profile "netnod-i" {
  title = "Netnod, I-root"

  rule "origin-known" {
    value  = "29216"
    source = "Netnod, RS-NETNOD-ANYCAST"
    as_of  = "2026-11-23"
  }

  rule "af-symmetry" {
    source = "https://www.rfc-editor.org/rfc/rfc7720"
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
