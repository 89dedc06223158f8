component "chrony" {
  kind     = "time"
  packages = ["chrony"]

  file "/etc/chrony/chrony.conf" {
    template = "chrony.conf.tmpl"
    check    = ["chronyd", "-p", "-f", "{}"]
    unit     = "chrony.service"
    how      = "restart"
  }

  service "chrony.service" {}
}
