component "debian" {
  kind     = "system"
  default  = true
  packages = ["bash", "iproute2", "openssh-server"]

  file "/etc/hostname" {
    template = "hostname.tmpl"
    command  = ["hostname", "-F", "/etc/hostname"]
    running {
      sysctls = { "kernel/hostname" = "{{ .Hostname }}" }
    }
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
    running {
      syntax = "sysctl.d"
    }
  }
  # Of a setting that several files have the first counts (sshd_config(5)):
  # before 50-cloud-init.conf.
  file "/etc/ssh/sshd_config.d/00-raiz.conf" {
    template = "sshd.conf.tmpl"
    mode     = "0600"
    check    = ["sshd", "-t", "-f", "{}"]
    bad      = "sshd.conf.bad"
    unit     = "ssh.service"
    how      = "reload"
    effect   = "may-cut-access.server"
    running {
      # As whoever logs in gets it: Match blocks count.
      shows = ["sshd", "-T", "-C", "user={{ .SSH.User }},host=raiz,addr=192.0.2.1"]
      settings = {
        port                         = "{{ .SSH.Port }}"
        passwordauthentication       = "no"
        kbdinteractiveauthentication = "no"
        permitrootlogin              = "{{ if .SSH.RootLogin }}without-password{{ else }}no{{ end }}"
        pubkeyauthentication         = "yes"
        x11forwarding                = "no"
        allowtcpforwarding           = "local"
        allowagentforwarding         = "no"
        allowstreamlocalforwarding   = "no"
        permittunnel                 = "no"
        gatewayports                 = "no"
      }
    }
  }
  # Both are there for programs that need not be.
  file "/etc/apt/apt.conf.d/60-raiz" {
    when     = ".Updates.By"
    template = "apt.conf.tmpl"
    check    = ["apt-config", "--config-file", "{}", "dump"]
    bad      = "apt.conf.bad"
    command  = ["apt-config", "shell"] # it is read whenever apt runs: nothing has to be told
    running {
      # Another file may come later.
      shows = ["apt-config", "dump", "--format", "%F %v%n"]
      settings = {
        "APT::Periodic::Unattended-Upgrade"    = "{{ if eq .Updates.By \"unattended\" }}1{{ else }}0{{ end }}"
        "Unattended-Upgrade::Automatic-Reboot" = "false"
      }
    }
  }
  file "/etc/needrestart/conf.d/60-raiz.conf" {
    when     = ".Updates.By"
    template = "needrestart.conf.tmpl"
    check    = ["perl", "-c", "{}"]
    bad      = "needrestart.conf.bad"
  }
  file "/etc/systemd/journald.conf.d/raiz.conf" {
    template = "journald.conf.tmpl"
    unit     = "systemd-journald.service"
    how      = "restart"
  }

  service "ssh.service" {}
}
