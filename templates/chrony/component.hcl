component "chrony" {
  kind     = "time"
  packages = ["chrony"]

  file "/etc/chrony/chrony.conf" {
    template = "chrony.conf.tmpl"
    check    = ["chronyd", "-p", "-f", "{}"]
    unit     = "chrony.service"
    how      = "restart"
  }
  file "/etc/systemd/system/raiz-clock.service" {
    template = "clock.service.tmpl"
    unit     = "raiz-clock.service"
    how      = "restart"
  }

  service "chrony.service" {}
}
