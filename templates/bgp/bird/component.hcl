component "bird" {
  kind     = "bgp"
  default  = true
  packages = ["bird2"]
  unit     = "bird.service"
  listens  = ["tcp/179", "udp/3784", "udp/4784"] # BGP, BFD

  file "/etc/bird/raiz-passwords.conf" {
    template = "passwords.conf.tmpl"
    mode     = "0640"
    group    = "bird"
    secret   = true
    unit     = "bird.service"
    how      = "reload"
    effect   = "session-reset.password"
  }
  file "/etc/bird/bird.conf" {
    template = "bird.conf.tmpl"
    mode     = "0640"
    group    = "bird"
    check    = ["bird", "-p", "-c", "{}"]
    bad      = "bird.conf.bad"
    unit     = "bird.service"
    how      = "reload"
    effect   = "session-reset.parameters"
  }
  file "/etc/systemd/system/bird.service.d/raiz.conf" {
    template = "bird.service.tmpl"
  }

  service "bird.service" {}

  guard {
    address = "127.0.0.1"
    groups  = ["bird"]
  }

  # A line at the left edge begins a protocol, what is indented tells of it.
  observe "sessions" {
    command = ["birdc", "-r", "show", "protocols", "all"]
    alive   = "^BIRD "
    begin   = ["^(?P<name>\\S+) +BGP +\\S+ +(?P<state>\\S+)"]
    end     = ["^\\S"]
    more = [
      "^\\s+BGP state: +(?P<state>\\S+)",
      "^\\s+Neighbor address: +(?P<neighbor>[^%\\s]+)",
      "^\\s+Neighbor AS: +(?P<as>\\d+)",
      "^\\s+Last error: +(?P<error>.*\\S)",
    ]
  }

  observe "imports" {
    command = ["birdc", "-r", "show", "route", "protocol", "{session}"]
    alive   = "^BIRD "
    begin   = ["^(?P<prefix>[0-9a-f.:]+/\\d+)\\s"]
  }

  # A line at the left edge begins a route, and so does an indented one that
  # tells where another route to the same prefix comes from.
  observe "exports" {
    command = ["birdc", "-r", "show", "route", "export", "{session}", "all"]
    alive   = "^BIRD "
    begin   = ["^(?P<prefix>[0-9a-f.:]+/\\d+)\\s"]
    again   = ["^ .* \\["]
    more = [
      "^\\s+BGP\\.origin: +(?P<origin>\\S+)",
      "^\\s+BGP\\.as_path: (?P<as_path>.*)",
      "^\\s+BGP\\.med: +(?P<med>\\d+)",
      "^\\s+BGP\\.community: (?P<communities>.*)",
      "^\\s+BGP\\.ext_community: (?P<communities>.*)",
      "^\\s+BGP\\.large_community: (?P<communities>.*)",
    ]
  }
}
