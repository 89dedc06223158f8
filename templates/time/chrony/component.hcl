component "chrony" {
  kind     = "time"
  default  = true
  packages = ["chrony"]

  file "/etc/chrony/chrony.conf" {
    template = "chrony.conf.tmpl"
    check    = ["chronyd", "-p", "-f", "{}"]
    bad      = "chrony.conf.bad"
    unit     = "chrony.service"
    how      = "restart"
  }
  # It is started by what waits for it, and it fails where no time server
  # answers: that is no reason to take a change back.
  file "/etc/systemd/system/raiz-clock.service" {
    template = "clock.service.tmpl"
  }

  file "/etc/systemd/system/chrony.service.d/raiz.conf" {
    template = "chrony.service.tmpl"
  }

  service "chrony.service" {}

  # One line with commas: reference, its name, stratum, time, offset of the
  # clock in seconds, ..., leap status as the last field.
  observe "clock" {
    command = ["chronyc", "-c", "tracking"]
    begin = [
      "^[^,]*,[^,]*,(?P<stratum>\\d+),[^,]*,(?P<offset>[-+.0-9e]+),(?:[^,]*,){8}(?P<synced>Normal|Insert second|Delete second)$",
      "^[^,]*,[^,]*,(?P<stratum>\\d+),[^,]*,(?P<offset>[-+.0-9e]+),(?:[^,]*,){8}Not synchronised$",
    ]
  }

  # All machines of a rehearsal share one clock: it may be looked at and must
  # not be turned. As a vendor's drop-in it stays out of /etc, which is raiz's.
  rehearsal_file "/usr/lib/systemd/system/chrony.service.d/rehearsal.conf" {
    template = "rehearsal.conf.tmpl"
  }
}
