# The rules of LACNIC's call for hosts of root server copies, which hold for
# most copies in Latin America and the Caribbean. A /28 and a /64 in reserve
# are asked for in some cases only; the profiles of those operators say so.

profile "raices" {
  title = "+Raíces"

  rule "rack-units" {
    value  = "2"
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "bandwidth" {
    value  = "10Mbps"
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  # One public IPv4 and IPv6 address for the remote management ...
  rule "bmc" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "bmc-ipv4" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  # ... where IPv6 is a wish: the RIPE NCC gave its controllers IPv4 only,
  # because they cannot filter IPv6 well.
  rule "bmc-ipv6" {
    severity = "warning"
    source   = "https://www.lacnic.net/5190"
    as_of    = "2026-11-23"
  }

  rule "management-ipv4" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "management-ipv6" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  # IPv4 of the BGP link may be private; all other addresses are public.
  rule "addr-global" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "link-ipv4" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "link-ipv6" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "af-symmetry" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  # An AS and addresses of the host's own, from the registry of the region.
  rule "host-asn" {
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "region" {
    value  = "AR,AW,BO,BQ,BR,BZ,CL,CO,CR,CU,CW,DO,EC,FK,GF,GS,GT,GY,HN,HT,MX,NI,PA,PE,PY,SR,SV,SX,TT,UY,VE"
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  rule "contacts" {
    value  = "noc"
    source = "https://www.lacnic.net/5190"
    as_of  = "2026-11-23"
  }

  # What upstreams and route servers build their filters from.
  rule "as-set" {
    severity = "warning"
    source   = "https://www.manrs.org/netops/network-operator-actions"
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
