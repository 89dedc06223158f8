component "nsd" {
  kind     = "dns"
  default  = true
  packages = ["nsd", "ldnsutils"]
  unit     = "nsd.service"
  listens  = ["tcp/53", "udp/53"]
  bad_zone = "refuses"

  trust_anchors = true

  file "/etc/nsd/raiz-keys.conf" {
    template = "keys.conf.tmpl"
    mode     = "0640"
    group    = "nsd"
    secret   = true
    command  = ["/usr/local/lib/raiz/nsd-zones", "reconfig"]
  }
  file "/etc/nsd/raiz-cookies.txt" {
    template = "cookies.txt.tmpl"
    when     = ".DNS.Cookies"
    mode     = "0640"
    group    = "nsd"
    secret   = true
    unit     = "nsd.service"
    how      = "restart"
    effect   = "service-gap.restart"
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
    bad      = "nsd.conf.bad"
    unit     = "nsd.service"
    how      = "restart"
    effect   = "service-gap.restart"
  }
  # What a transferred zone is checked with before it is served, and the file
  # of one before it is loaded.
  file "/etc/nsd/raiz-anchors.ds" {
    template = "anchors.ds.tmpl"
    when     = ".DNS.Verified"
    group    = "nsd"
  }
  file "/usr/local/lib/raiz/verify-zone" {
    template = "verify-zone.tmpl"
    when     = ".DNS.Verified"
    mode     = "0755"
    check    = ["bash", "-n", "{}"]
    bad      = "script.bad"
  }
  file "/usr/local/lib/raiz/nsd-zones" {
    template = "nsd-zones.tmpl"
    mode     = "0755"
    check    = ["sh", "-n", "{}"]
    bad      = "script.bad"
  }
  file "/etc/systemd/system/nsd.service.d/raiz.conf" {
    template = "nsd.service.tmpl"
    unit     = "nsd.service"
    how      = "restart"
    effect   = "service-gap.restart"
  }

  # The zones that come from no primary, such as those of AS112.
  file "/etc/nsd/raiz-{{ .Item.Name }}.zone" {
    template = "static.zone.tmpl"
    each     = ".DNS.Static"
    group    = "nsd"
    check    = ["nsd-checkzone", "{{ .Item.Zone }}", "{}"]
    bad      = "static.zone.bad"
    command  = ["/usr/local/lib/raiz/nsd-zones", "reload"]
  }

  # Where it is asked how it is, for those who may not read what it keeps.
  file "/etc/nsd/raiz-control.conf" {
    template = "control.conf.tmpl"
    check    = ["nsd-checkconf", "{}"]
    bad      = "nsd.conf.bad"
  }

  service "nsd.service" {}

  guard {
    groups = ["nsd"]
  }

  # A zone that is not there, or not any more, has no serial.
  observe "zones" {
    command = ["/usr/local/lib/raiz/nsd-zones", "status"]
    begin   = ["^zone:\\s+(?P<zone>\\S+)"]
    more    = ["^\\s+state: (?P<state>\\S+)", "^\\s+served-serial: \"(?P<serial>\\d+)", "^\\s+refused: (?P<refused>\\S+)"]
  }
}
