# The host's side of a rehearsal: BGP with the server, the time, and a resolver
# that knows the names of time servers. Each neighbor of the site is a BIRD of
# its own, because one BIRD has one session at most with one address of the
# server.
component "bird" {
  kind     = "router"
  default  = true
  packages = ["bird2", "chrony", "nsd"]

  file "/etc/bird/{{ .Item.Name }}.conf" {
    template = "bird.conf.tmpl"
    each     = ".Neighbors"
  }
  file "/etc/systemd/system/bird-{{ .Item.Name }}.service" {
    template = "bird.service.tmpl"
    each     = ".Neighbors"
  }
  file "/etc/chrony/chrony.conf" {
    template = "chrony.conf.tmpl"
  }
  # All machines of a rehearsal share one clock, which must not be turned.
  file "/etc/systemd/system/chrony.service.d/lab.conf" {
    template = "chrony.service.tmpl"
  }
  file "/etc/nsd/nsd.conf" {
    template = "nsd.conf.tmpl"
    when     = ".Resolver.Addresses"
  }
  file "/etc/nsd/ntp.zone" {
    template = "ntp.zone.tmpl"
    when     = ".Resolver.Addresses"
  }
  file "/etc/systemd/system/multi-user.target.d/lab.conf" {
    template = "units.tmpl"
  }

  # A line at the left edge begins a route, and so does an indented one that
  # tells where another route to the same prefix comes from. IPv6 may have a
  # link-local next hop after the global one (RFC 2545 section 3).
  observe "routes" {
    command = ["birdc", "-s", "/run/bird/{neighbor}.ctl", "-r", "show", "route", "all", "protocol", "{session}"]
    alive   = "^BIRD "
    begin   = ["^(?P<prefix>[0-9a-f.:]+/\\d+)\\s"]
    again   = ["^ .* \\["]
    end     = ["^\\S"]
    more = [
      "^\\s+BGP\\.next_hop: +(?P<next_hop>\\S+)",
      "^\\s+BGP\\.origin: +(?P<origin>\\S+)",
      "^\\s+BGP\\.as_path: (?P<as_path>.*)",
      "^\\s+BGP\\.med: +(?P<med>\\d+)",
      "^\\s+BGP\\.community: (?P<communities>.*)",
      "^\\s+BGP\\.large_community: (?P<communities>.*)",
    ]
  }
  observe "refused" {
    command = ["birdc", "-s", "/run/bird/{neighbor}.ctl", "-r", "show", "route", "all", "protocol", "{session}", "filtered"]
    alive   = "^BIRD "
    begin   = ["^(?P<prefix>[0-9a-f.:]+/\\d+)\\s"]
    again   = ["^ .* \\["]
    end     = ["^\\S"]
    more = [
      "^\\s+BGP\\.next_hop: +(?P<next_hop>\\S+)",
      "^\\s+BGP\\.origin: +(?P<origin>\\S+)",
      "^\\s+BGP\\.as_path: (?P<as_path>.*)",
      "^\\s+BGP\\.med: +(?P<med>\\d+)",
      "^\\s+BGP\\.community: (?P<communities>.*)",
      "^\\s+BGP\\.large_community: (?P<communities>.*)",
    ]
  }
}
