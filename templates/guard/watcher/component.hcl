component "watcher" {
  kind     = "guard"
  default  = true
  packages = ["bash"]
  unit     = "raiz-announce.service"

  file "/usr/local/lib/raiz/announce" {
    template = "announce.tmpl"
    mode     = "0755"
    check    = ["bash", "-n", "{}"]
    bad      = "announce.bad"
    unit     = "raiz-announce.service"
    how      = "restart"
    effect   = "service-gap.announce-anew"
  }
  # Both are read anew in every round.
  file "/usr/local/lib/raiz/ask" {
    template = "ask.tmpl"
    mode     = "0755"
    check    = ["perl", "-c", "{}"]
    bad      = "ask.bad"
  }
  file "/usr/local/lib/raiz/questions" {
    template = "questions.tmpl"
  }
  file "/etc/systemd/system/raiz-announce.service" {
    template = "announce.service.tmpl"
    unit     = "raiz-announce.service"
    how      = "restart"
    effect   = "service-gap.announce-anew"
  }

  service "raiz-announce.service" {}
}
