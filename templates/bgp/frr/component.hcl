# What FRR 8.4 cannot do as the site asks for it:
#   - BFD on a session with TTL security: there the hold time alone counts.
#   - The receive limit on filtered routes: they count, but FRR counts only when
#     it accepts one. A session that accepts nothing is never cut for it.
#   - Show the communities that it sends: exports are read from what the running
#     filter adds.
#   - Change a session and leave the others: every change restarts it.
component "frr" {
  kind     = "bgp"
  # vtysh wants a name for the user that runs it, also where systemd has made
  # the user up (DynamicUser=, nss-systemd(8)).
  packages = ["frr", "bash", "libnss-systemd"]
  unit     = "frr.service"
  listens  = ["tcp/179", "udp/3784", "udp/3785", "udp/4784"] # BGP, BFD with its echo

  # Apart from frr.conf, so that everything else may be read and compared in
  # the open: bgpd reads it before vtysh tells it frr.conf.
  file "/etc/frr/raiz-passwords.conf" {
    template = "passwords.conf.tmpl"
    mode     = "0640"
    group    = "frr"
    secret   = true
    check    = ["vtysh", "-C", "-f", "{}"]
    bad      = "frr.conf.bad"
    unit     = "frr.service"
    how      = "restart"
    effect   = "service-gap.sessions"
  }
  # A reload of FRR keeps the old hold time until a session ends by itself, and
  # its program writes passwords to a log: every change is a restart.
  file "/etc/frr/frr.conf" {
    template = "frr.conf.tmpl"
    mode     = "0640"
    owner    = "frr"
    group    = "frr"
    check    = ["vtysh", "-C", "-f", "{}"]
    bad      = "frr.conf.bad"
    unit     = "frr.service"
    how      = "restart"
    effect   = "service-gap.sessions"
  }
  file "/etc/frr/daemons" {
    template = "daemons.tmpl"
    mode     = "0640"
    owner    = "frr"
    group    = "frr"
    check    = ["sh", "-n", "{}"]
    bad      = "daemons.bad"
    unit     = "frr.service"
    how      = "restart"
    effect   = "service-gap.sessions"
  }
  file "/etc/systemd/system/frr.service.d/raiz.conf" {
    template = "frr.service.tmpl"
    unit     = "frr.service"
    how      = "restart"
    effect   = "service-gap.sessions"
  }
  # Read anew whenever it is asked.
  file "/usr/local/lib/raiz/frr-exports" {
    template = "exports.tmpl"
    mode     = "0755"
    check    = ["bash", "-n", "{}"]
    bad      = "exports.bad"
  }
  # Of vtysh, which asks it also for who only looks.
  file "/etc/pam.d/frr" {
    template = "pam.tmpl"
  }
  service "frr.service" {}

  # It takes no next hop from a session on the loopback.
  guard {
    address = "own"
    groups  = ["frrvty", "frr"]
  }

  observe "sessions" {
    command = ["vtysh", "-d", "bgpd", "-c", "show bgp neighbors json"]
    json {
      records = "*"
      fields = {
        neighbor = "@key"
        name     = "nbrDesc"
        as       = "remoteAs"
        state    = "bgpState"
        error    = "lastResetDueTo"
      }
    }
  }

  observe "imports" {
    command = ["vtysh", "-d", "bgpd", "-c", "show bgp ipv{family} unicast neighbors {neighbor} routes json"]
    json {
      records = "routes.*"
      fields  = { prefix = "@key" }
    }
  }

  observe "exports" {
    command = ["/usr/local/lib/raiz/frr-exports", "{neighbor}", "{family}"]
    alive   = "^exports to "
    begin   = ["^route (?P<prefix>\\S+) path (?P<as_path>.*)"]
    more    = ["^ community (?P<communities>.*)", "^ metric (?P<med>\\d+)", "^ origin (?P<origin>\\S+)"]
  }
}
