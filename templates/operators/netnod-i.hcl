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
}
