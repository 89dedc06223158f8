component "bird" {
  kind     = "bgp"
  default  = true
  packages = ["bird2"]
  unit     = "bird.service"

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
  file "/etc/bird/raiz-blocks{{ .Item.Number }}.conf" {
    template = "blocks.conf.tmpl"
    each     = ".BGP.Families"
    when     = ".Item.Blocks"
    unit     = "raiz-announce.service"
    how      = "restart"
    effect   = "service-gap.announce-anew"
  }

  service "bird.service" {}

  # BIRD reads the blocks through links in /run, so that nothing is announced
  # after a boot before DNS answers.
  announce {
    link     = ["/etc/bird/raiz-blocks{family}.conf", "/run/raiz-blocks{family}.conf"]
    announce = [["birdc", "configure"]]
    # A configuration that BIRD refuses must not keep the blocks on the net.
    withdraw = [["birdc", "configure"], ["birdc", "disable", "blocks{family}"]]
    show     = ["birdc", "-r", "show", "protocols"]
    shown    = "^blocks{family} +Static +[^ ]+ +(start|up|stop|flush)"
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

  # A line at the left edge begins a route, and so does an indented one that
  # tells where another route to the same prefix comes from.
  observe "exports" {
    command = ["birdc", "-r", "show", "route", "export", "{session}", "all"]
    alive   = "^BIRD "
    begin   = ["^(?P<prefix>[0-9a-f.:]+/\\d+)\\s"]
    again   = ["^ .* \\["]
    more = [
      "^\\s+BGP\\.as_path: (?P<as_path>.*)",
      "^\\s+BGP\\.community: (?P<communities>.*)",
      "^\\s+BGP\\.ext_community: (?P<communities>.*)",
      "^\\s+BGP\\.large_community: (?P<communities>.*)",
    ]
  }
}
