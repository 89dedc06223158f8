component "nftables" {
  kind     = "firewall"
  default  = true
  packages = ["nftables"]

  file "/etc/nftables.conf" {
    template = "nftables.conf.tmpl"
    mode     = "0644"
    check    = ["nft", "--check", "--file", "{}"]
    bad      = "nftables.conf.bad"
    unit     = "nftables.service"
    how      = "reload"
    effect   = "may-cut-access.server"
    running {
      shows  = ["nft", "--stateless", "list", "ruleset"]
      loads  = ["nft", "--file", "{}"]
      clears = "flush ruleset\n"
    }
  }

  service "nftables.service" {}
}
