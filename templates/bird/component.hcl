component "bird" {
  kind     = "bgp"
  packages = ["bird2"]

  file "/etc/bird/raiz-passwords.conf" {
    template = "passwords.conf.tmpl"
    mode     = "0640"
    group    = "bird"
    secret   = true
    unit     = "bird.service"
    how      = "reload"
    risk     = "session-reset"
    note     = "resets the BGP sessions whose password changed"
  }
  file "/etc/bird/bird.conf" {
    template = "bird.conf.tmpl"
    mode     = "0640"
    group    = "bird"
    check    = ["bird", "-p", "-c", "{}"]
    unit     = "bird.service"
    how      = "reload"
    risk     = "session-reset"
    note     = "resets the BGP sessions whose parameters changed"
  }
  file "/etc/bird/raiz-blocks4.conf" {
    template = "blocks4.conf.tmpl"
    when     = "blocks4"
    unit     = "raiz-announce.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws and announces the IPv4 blocks anew"
  }
  file "/etc/bird/raiz-blocks6.conf" {
    template = "blocks6.conf.tmpl"
    when     = "blocks6"
    unit     = "raiz-announce.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws and announces the IPv6 blocks anew"
  }
  file "/usr/local/lib/raiz/announce" {
    template = "announce.tmpl"
    mode     = "0755"
    check    = ["bash", "-n", "{}"]
    unit     = "raiz-announce.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws and announces the blocks anew"
  }
  # Both are read anew in every round.
  file "/usr/local/lib/raiz/ask" {
    template = "ask.tmpl"
    mode     = "0755"
    check    = ["perl", "-c", "{}"]
  }
  file "/usr/local/lib/raiz/questions" {
    template = "questions.tmpl"
  }
  file "/etc/systemd/system/raiz-announce.service" {
    template = "announce.service.tmpl"
    unit     = "raiz-announce.service"
    how      = "restart"
    risk     = "service-gap"
    note     = "withdraws and announces the blocks anew"
  }

  service "bird.service" {}
  service "raiz-announce.service" {}
}
