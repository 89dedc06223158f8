component "debian" {
  kind     = "system"
  default  = true
  packages = ["bash", "iproute2", "openssh-server"]

  file "/etc/hostname" {
    template = "hostname.tmpl"
    command  = ["hostname", "-F", "/etc/hostname"]
  }
  file "/etc/hosts" {
    template = "hosts.tmpl"
  }
  file "/etc/resolv.conf" {
    template = "resolv.conf.tmpl"
  }
  file "/etc/sysctl.d/60-raiz.conf" {
    template = "sysctl.conf.tmpl"
    unit     = "systemd-sysctl.service"
    how      = "restart"
  }
  file "/etc/ssh/sshd_config.d/raiz.conf" {
    template = "sshd.conf.tmpl"
    mode     = "0600"
    check    = ["sshd", "-t", "-f", "{}"]
    bad      = "sshd.conf.bad"
    unit     = "ssh.service"
    how      = "reload"
    effect   = "may-cut-access.server"
  }
  file "/etc/systemd/journald.conf.d/raiz.conf" {
    template = "journald.conf.tmpl"
    unit     = "systemd-journald.service"
    how      = "restart"
  }

  service "ssh.service" {}
}
