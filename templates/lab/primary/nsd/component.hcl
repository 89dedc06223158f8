# The name server that the zones of a rehearsal are transferred from. It runs
# alone in a network namespace, where nothing boots.
component "nsd" {
  kind     = "primary"
  default  = true
  packages = ["nsd", "ldnsutils"]

  file "/etc/nsd/nsd.conf" {
    template = "nsd.conf.tmpl"
    mode     = "0600"
  }
  file "/etc/nsd/ntp.zone" {
    template = "ntp.zone.tmpl"
  }

  # NSD writes beside a zone what changed between two editions.
  command "prepare" {
    argv = ["install", "-d", "-o", "nsd", "-g", "nsd", "/run/nsd", "/var/lib/nsd", "/var/lib/zones"]
  }
  command "serve" {
    argv = ["nsd", "-d", "-c", "/etc/nsd/nsd.conf"]
  }
  command "reload" {
    argv = ["nsd-control", "reload", "{zone}"]
  }

  # Keys of the real root's kind. ldns-keygen calls its files by the name of
  # the zone, which may be longer than a file name may be: it is given a short
  # one, and the record its owner afterwards.
  command "ksk" {
    argv = ["sh", "-ec", "cd \"$1\"; exec ldns-keygen -r /dev/urandom -a RSASHA256 -b 2048 -k x", "sh", "{directory}"]
  }
  command "zsk" {
    argv = ["sh", "-ec", "cd \"$1\"; exec ldns-keygen -r /dev/urandom -a RSASHA256 -b 2048 x", "sh", "{directory}"]
  }
  command "sign" {
    argv = ["ldns-signzone", "-z", "1:1", "-o", "{zone}", "-i", "{inception}", "-e", "{expiration}", "-f", "{out}", "{in}", "{zsk}", "{ksk}"]
  }
}
