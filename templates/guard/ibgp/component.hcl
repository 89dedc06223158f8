component "ibgp" {
  kind    = "guard"
  default = true
  unit    = "raiz-guard.service"

  option "rise" {
    default = 2
    doc     = "looks in a row, a second apart, that find everything right before blocks are announced"
  }
  option "fall" {
    default = 3
    doc     = "looks in a row that find something wrong before blocks are withdrawn"
  }
  option "on_stale" {
    default = "alarm"
    doc     = "\"alarm\" or \"withdraw\": zones that are not refreshed, before they expire"
  }
  option "on_overload" {
    default = "alarm"
    doc     = "\"alarm\" or \"withdraw\": more is asked than can be answered"
  }
  option "drain" {
    default = 30
    doc     = "seconds that routers have to leave before drained blocks are withdrawn"
  }

  option "damping" {
    default = 30
    doc     = "seconds that blocks have to be right for after the third withdrawal in ten minutes; doubled with each further one, up to ten minutes; 0 for no more than rise"
  }

  file "/etc/raiz/guard.json" {
    template = "guard.json.tmpl"
    unit     = "raiz-guard.service"
    how      = "restart"
    effect   = "service-gap.announce-anew"
  }
  file "/etc/systemd/system/raiz-guard.service" {
    template = "guard.service.tmpl"
    unit     = "raiz-guard.service"
    how      = "restart"
    effect   = "service-gap.announce-anew"
  }
  # A routing daemon that does not obey is ended by these: the guard itself has
  # no right to.
  file "/etc/systemd/system/raiz-stop-router.service" {
    template = "stop.service.tmpl"
  }
  file "/etc/systemd/system/raiz-stop-router.path" {
    template = "stop.path.tmpl"
    unit     = "raiz-stop-router.path"
    how      = "restart"
  }

  service "raiz-stop-router.path" {}
  service "raiz-guard.service" {}
}
