component "nsd" {
  kind     = "dns"
  packages = ["nsd", "ldnsutils"]
  unit     = "nsd.service"

  file "/etc/nsd/raiz-keys.conf" {
    template = "keys.conf.tmpl"
    mode     = "0640"
    group    = "nsd"
    secret   = true
    command  = ["/usr/local/lib/raiz/nsd-zones", "reconfig"]
  }
  file "/etc/nsd/raiz-cookies.txt" {
    template = "cookies.txt.tmpl"
    when     = "cookies"
    mode     = "0640"
    group    = "nsd"
    secret   = true
    unit     = "nsd.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws, restarts NSD, announces again"
  }
  file "/etc/nsd/raiz-zones.conf" {
    template = "zones.conf.tmpl"
    group    = "nsd"
    command  = ["/usr/local/lib/raiz/nsd-zones", "reconfig"]
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
  # What a transferred zone is checked with before it is served, and the file
  # of one before it is loaded.
  file "/etc/nsd/raiz-anchors.ds" {
    template = "anchors.ds.tmpl"
    when     = "verified-zones"
    group    = "nsd"
  }
  file "/usr/local/lib/raiz/verify-zone" {
    template = "verify-zone.tmpl"
    when     = "verified-zones"
    mode     = "0755"
    check    = ["bash", "-n", "{}"]
  }
  file "/usr/local/lib/raiz/nsd-zones" {
    template = "nsd-zones.tmpl"
    mode     = "0755"
    check    = ["sh", "-n", "{}"]
  }
  file "/etc/systemd/system/nsd.service.d/raiz.conf" {
    template = "nsd.service.tmpl"
    unit     = "nsd.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws, restarts NSD, announces again"
  }

  # The zones of AS112: those that are delegated to it directly (RFC 7534),
  # and those that DNAME leads to (RFC 7535).
  file "/etc/nsd/raiz-as112-empty.zone" {
    template = "as112-empty.zone.tmpl"
    when     = "as112-empty"
    group    = "nsd"
    check    = ["nsd-checkzone", "10.in-addr.arpa", "{}"]
    command  = ["/usr/local/lib/raiz/nsd-zones", "reload"]
  }
  file "/etc/nsd/raiz-as112-hostname.zone" {
    template = "as112-hostname.zone.tmpl"
    when     = "as112-hostname"
    group    = "nsd"
    check    = ["nsd-checkzone", "hostname.as112.net", "{}"]
    command  = ["/usr/local/lib/raiz/nsd-zones", "reload"]
  }
  file "/etc/nsd/raiz-as112-dname-empty.zone" {
    template = "as112-dname-empty.zone.tmpl"
    when     = "as112-dname-empty"
    group    = "nsd"
    check    = ["nsd-checkzone", "empty.as112.arpa", "{}"]
    command  = ["/usr/local/lib/raiz/nsd-zones", "reload"]
  }
  file "/etc/nsd/raiz-as112-dname-hostname.zone" {
    template = "as112-dname-hostname.zone.tmpl"
    when     = "as112-dname-hostname"
    group    = "nsd"
    check    = ["nsd-checkzone", "hostname.as112.arpa", "{}"]
    command  = ["/usr/local/lib/raiz/nsd-zones", "reload"]
  }

  service "nsd.service" {}
}
