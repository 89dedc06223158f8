component "knot" {
  kind     = "dns"
  packages = ["knot", "knot-dnssecutils"]
  unit     = "knot.service"
  listens  = ["tcp/53", "udp/53"]
  # What is wrong in its signatures or its ZONEMD is not served. Its keys are
  # the zone's own: the trust anchors of the site are not looked at.
  bad_zone = "refuses"

  option "tcp_clients" {
    default = 1000
    doc     = "connections over TCP at the same time"
  }

  file "/etc/knot/raiz-keys.conf" {
    template = "keys.conf.tmpl"
    mode     = "0640"
    group    = "knot"
    secret   = true
    unit     = "knot.service"
    how      = "reload"
  }
  file "/etc/knot/raiz-cookies.conf" {
    template = "cookies.conf.tmpl"
    when     = ".DNS.Cookies"
    mode     = "0640"
    group    = "knot"
    secret   = true
    unit     = "knot.service"
    how      = "reload"
  }
  file "/etc/knot/raiz-zones.conf" {
    template = "zones.conf.tmpl"
    mode     = "0640"
    group    = "knot"
    unit     = "knot.service"
    how      = "reload"
  }
  # The addresses that it listens on are read at its start alone.
  file "/etc/knot/knot.conf" {
    template = "knot.conf.tmpl"
    mode     = "0640"
    group    = "knot"
    check    = ["knotc", "--config", "{}", "conf-check"]
    bad      = "knot.conf.bad"
    unit     = "knot.service"
    how      = "restart"
    effect   = "service-gap.restart"
  }
  file "/etc/knot/raiz-{{ .Item.Name }}.zone" {
    template = "static.zone.tmpl"
    each     = ".DNS.Static"
    group    = "knot"
    check    = ["kzonecheck", "--origin", "{{ .Item.Zone }}", "{}"]
    bad      = "static.zone.bad"
    unit     = "knot.service"
    how      = "reload"
  }
  file "/usr/local/lib/raiz/knot-missing" {
    template = "knot-missing.tmpl"
    mode     = "0755"
    check    = ["sh", "-n", "{}"]
    bad      = "script.bad"
  }
  file "/etc/systemd/system/knot.service.d/raiz.conf" {
    template = "knot.service.tmpl"
    unit     = "knot.service"
    how      = "restart"
    effect   = "service-gap.restart"
  }

  service "knot.service" {}

  guard {
    groups = ["knot"]
  }

  observe "zones" {
    command = ["knotc", "--config", "/dev/null", "--socket", "/run/knot/knot.sock", "zone-status"]
    begin   = ["^\\[(?P<zone>[^\\]]+)\\] role: \\S+ \\| serial: (?P<serial>\\S+)(?:.* expiration: (?P<expires>\\S+))?"]
  }
}
