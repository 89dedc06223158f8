component "chrony" {
  kind     = "time"
  packages = ["chrony"]

  file "/etc/chrony/chrony.conf" {
    template = "chrony.conf.tmpl"
    check    = ["chronyd", "-p", "-f", "{}"]
    unit     = "chrony.service"
    how      = "restart"
  }
  # It is started by what waits for it, and it fails where no time server
  # answers: that is no reason to take a change back.
  file "/etc/systemd/system/raiz-clock.service" {
    template = "clock.service.tmpl"
  }

  service "chrony.service" {}
}
