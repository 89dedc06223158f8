component "networkd" {
  kind     = "network"
  default  = true
  packages = ["systemd"]

  # A reload configures the links whose file has changed anew, and removes
  # what is declared no more. A restart would leave old addresses in place
  # (systemd 252). Of the files that match a link the first by name counts,
  # wherever it is: 05 comes before those of netplan and cloud-init.
  file "/etc/systemd/networkd.conf.d/60-raiz.conf" {
    template = "networkd.conf.tmpl"
    unit     = "systemd-networkd.service"
    how      = "restart"
  }
  file "/etc/systemd/network/05-raiz-loopback.network" {
    template = "loopback.network.tmpl"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "service-gap.addresses"
  }
  file "/etc/systemd/network/05-raiz-management.network" {
    template = "management.network.tmpl"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "may-cut-access.server"
  }
  file "/etc/systemd/network/05-raiz-service.network" {
    template = "service.network.tmpl"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "session-reset.every"
  }

  # A tagged interface, and what carries it where nothing else does. The file
  # of what carries it comes later than that of the tagged one, which has the
  # same MAC: networkd takes the first that matches.
  file "/etc/systemd/network/05-raiz-management.netdev" {
    template = "management.netdev.tmpl"
    when     = ".Management.Tag"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "may-cut-access.server"
  }
  file "/etc/systemd/network/06-raiz-management-carrier.network" {
    template = "management-carrier.network.tmpl"
    when     = ".Management.Carrier.VLANs"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "may-cut-access.server"
  }
  file "/etc/systemd/network/05-raiz-service.netdev" {
    template = "service.netdev.tmpl"
    when     = ".Service.Tag"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "session-reset.every"
  }
  file "/etc/systemd/network/06-raiz-service-carrier.network" {
    template = "service-carrier.network.tmpl"
    when     = ".Service.Carrier.VLANs"
    unit     = "systemd-networkd.service"
    how      = "reload"
    effect   = "session-reset.every"
  }

  service "systemd-networkd.service" {}
}
