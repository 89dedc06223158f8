component "nsd" {
  kind     = "dns"
  packages = ["nsd"]
  unit     = "nsd.service"

  file "/etc/nsd/raiz-keys.conf" {
    template = "keys.conf.tmpl"
    mode     = "0640"
    group    = "nsd"
    secret   = true
    command  = ["nsd-control", "reconfig"]
  }
  file "/etc/nsd/raiz-zones.conf" {
    template = "zones.conf.tmpl"
    group    = "nsd"
    command  = ["nsd-control", "reconfig"]
  }
  file "/etc/nsd/nsd.conf" {
    template = "nsd.conf.tmpl"
    group    = "nsd"
    check    = ["nsd-checkconf", "{}"]
    unit     = "nsd.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws, restarts NSD, announces again"
  }
  file "/etc/nsd/zones/raiz-empty.zone" {
    template = "empty.zone.tmpl"
    when     = "as112"
    group    = "nsd"
    check    = ["nsd-checkzone", "10.in-addr.arpa", "{}"]
    command  = ["nsd-control", "reload"]
  }
  file "/etc/nsd/zones/raiz-hostname.zone" {
    template = "hostname.zone.tmpl"
    when     = "as112"
    group    = "nsd"
    check    = ["nsd-checkzone", "hostname.as112.net", "{}"]
    command  = ["nsd-control", "reload"]
  }

  service "nsd.service" {}
}
