component "nftables" {
  kind     = "firewall"
  packages = ["nftables"]

  file "/etc/nftables.conf" {
    template = "nftables.conf.tmpl"
    mode     = "0644"
    check    = ["nft", "--check", "--file", "{}"]
    unit     = "nftables.service"
    how      = "reload"
    risk     = "may-cut-access"
    note     = "may cut management access"
  }

  service "nftables.service" {}
}
