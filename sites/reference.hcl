# Every word of the site language, with what it means and what holds without
# it. "needed" means that a site without it is refused. The text is HCL:
# comments, strings with "${...}", lists and maps as in Terraform.
#
# A site is one file, or a folder whose *.hcl files count as one: locals are
# shared, and each file may hold one site or several. Wherever a list of
# blocks may stand, `dynamic` makes them from a collection.
#
# Functions: cidrhost cidrnetmask cidrsubnet coalesce compact concat contains
# distinct element flatten format join keys length lookup lower max merge min
# range replace reverse slice sort split substr tolist tonumber toset tostring
# trim trimprefix trimspace trimsuffix upper values zipmap.
#
# Secrets are looked up and never written down: env("NAME"), file("PATH"),
# exec("PROGRAM", "ARGUMENT"...). A secret argument is exactly one such call, or
# a local that is one; nothing can be joined with it or computed from it. What
# may be looked up for a site, and which machines may receive it, is said by the
# operator file, outside of this folder (docs/operator.md). `raiz validate` looks
# up none of it.
#
# file() of a regular file in this folder is read at once and may stand anywhere:
# a certificate, a list. Where it decides over blocks (for_each, labels), write
# nonsensitive(file("zones")).
#
# null is as if the argument were not written.

# Named values, for all files of the folder: local.NAME.
locals {
  lan4 = "192.0.2.16/28"
  lan6 = "2001:db8:0:2::/64"
}

# needed: lower-case letters, digits and hyphens; unique in the folder.
site "reference" {
  # Whose rules hold: a file of templates/operators. Without it: "raices".
  operator = "raices"

  # true allows the addresses and AS numbers set aside for documentation;
  # such a site can be rehearsed, but not applied. Without it: false.
  lab = true

  # needed: the organisation that gives rack space, addresses and a neighbor.
  host "Example IX" {
    asn       = 64500        # needed: its AS
    as_set    = "AS-EXAMPLE" # what its upstreams filter by; gets the origin as a member
    bandwidth = "1Gbps"      # kbps, Mbps, Gbps or Tbps

    # Blocks that the host keeps free for the operator, where that is asked.
    reserve = ["203.0.113.0/28", "2001:db8:0:ff::/64"]

    location {
      city       = "São Paulo"
      country    = "BR"  # ISO 3166-1
      iata       = "GRU" # the nearest airport
      facility   = "Example DC 1"
      rack_units = 2 # what the host offers
    }

    # Any number, with a role each; email, phone or both.
    contact "noc" {
      email = "noc@example.net"
      phone = "+55 11 5555 0100"
    }

    # The routers that peer with the server; each neighbor below is one.
    router "edge1" {
      os      = "routeros" # which language its fragment is written in
      version = "7.16"
    }
    router "edge2" {
      os = "junos"
    }
  }

  # The management controller. Without the block raiz leaves it alone, which
  # not every operator allows.
  bmc {
    addresses = ["192.0.2.10/28"] # needed: at most one of each family
    gateways  = ["192.0.2.1"]     # at most one of each family, on the link
    dns       = ["192.0.2.1"]
    ntp       = ["192.0.2.1", "time.example.net"] # needed; names need dns
    hostname  = "gru2-bmc"                        # needed
    port      = 443                               # of HTTPS; without it: 443
    username  = "raiz"                            # needed: the account raiz sets up
    password  = env("GRU2_BMC_PASSWORD")          # needed

    # How it is recognised: the fingerprint of its certificate, or the CA that
    # signed it: ca = file("bmc-ca.pem"). May be left out until `raiz enroll`
    # has seen the machine; plan and apply need it.
    certificate = "sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63"

    # What happens when power comes back: "always-on", "always-off" or
    # "last-state". Without it: "always-on".
    power_restore = "always-on"

    # The password before, while it is being changed: keep the new one where
    # password finds it, the old one where this does, and apply. Either may be
    # the right one until then; each is tried once, the new one first. It need
    # not be found any more afterwards.
    previous_password = env("GRU2_BMC_PREVIOUS")

    # What follows is left as it is on the controller unless it is said here.
    # Where a controller lacks one, apply says "unsupported" and why;
    # docs/bmc.md shows which have what.

    vlan = 30 # 802.1Q tag of the controller's own port; 0 for untagged

    # Each "on" or "off". IPMI is always to be off, HTTPS always on.
    protocols = {
      ssh           = "off"
      snmp          = "off"
      http          = "off"
      kvm-ip        = "on"
      virtual-media = "on"
    }

    serial_console = "on" # over the network: "on" or "off"

    # What the server boots, always: "order" is its boot order; "disk", "pxe",
    # "http", "cd", "usb" and "setup" override it. For one boot alone there is
    # raiz bmc power SITE restart --boot pxe.
    boot       = "order"
    boot_order = ["Boot0001", "Boot0000"] # all of them, as raiz bmc doctor lists them

    # The certificate it is to show, where it lets it be replaced. While this
    # stands here it is trusted beside the one above, since either may be shown.
    https {
      # needed: PEM, its own first; better kept in a file: file("gru2-bmc.pem").
      certificate = <<-EOT
        -----BEGIN CERTIFICATE-----
        MIIBlDCCATmgAwIBAgIULlzMD5++CvH4SGcTY46paE5Qk2cwCgYIKoZIzj0EAwIw
        HzEdMBsGA1UEAwwUZ3J1Mi1ibWMuZXhhbXBsZS5uZXQwHhcNMjYxMTIzMTYwNjU5
        WhcNMzYxMTIwMTYwNjU5WjAfMR0wGwYDVQQDDBRncnUyLWJtYy5leGFtcGxlLm5l
        dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBr+a0OaDAx0Oicy2bFQsva5CyHB
        TZDctNMxNU4i5MA/JllbpR9T+hKREa06GH4bblO5NB3+H1ajKQ/3yK2Y1sWjUzBR
        MB0GA1UdDgQWBBSzQuu2at476E+g3PInyTmniSG/ozAfBgNVHSMEGDAWgBSzQuu2
        at476E+g3PInyTmniSG/ozAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kA
        MEYCIQDNybO7N4nsW8+ollcaQSegwY/JIKNDSu30SHHYdMzvnQIhAK1Wq71Gn+Te
        3LCdppy48D6gmgoTrsX/RvqLkq/VS4cm
        -----END CERTIFICATE-----
      EOT
      key         = file("gru2-bmc.key") # needed: PEM
    }

    # What the controller does not let be set, with the reason, so that no plan
    # has it: an apply that is refused prints the lines to write here. The names
    # are those of raiz bmc doctor. What is left alone is not declared as well;
    # but addresses and username stay, since they say how it is reached. raiz
    # plan notes these, and raiz verify skips them.
    unmanaged = {
      "protocol.telnet" = "refused on 2026-11-24: the controller says PropertyNotWritable"
    }

    # The least the server has to have; raiz verify counts. What is not said
    # here is as the operator's profile asks, if it does.
    hardware {
      cpus           = 1 # sockets that are filled
      cores          = 4 # of all CPUs together
      memory_gib     = 8
      disks          = 2
      raid           = "raid1" # a healthy volume: "raid0", "raid1", "raid5", "raid6", "raid10"
      power_supplies = 2       # healthy ones
      nics           = 2       # Ethernet ports
    }

    # What raiz verify looks for besides, and raiz never sets. What is not said
    # here is as the operator's profile asks, if it does. What a controller does
    # not tell is a warning that names it.
    expect {
      # The least versions, as the controller writes them. Numbers are compared
      # as numbers; what cannot be compared is unknown, and said so.
      firmware = "7.10.50.00" # of the controller
      bios     = "1.13.2"     # of the server

      # One of these: a licence whose name, type or description has all the
      # words, in any case. [] asks for none where the profile does.
      licences = ["iDRAC Enterprise", "iDRAC Datacenter"]

      secure_boot = true  # or false; without it either will do
      tpm         = "2.0" # or "1.2": a trusted module that is enabled

      # Its certificate is warned of so many days before its end, and fails after
      # it. Without it: 30.
      certificate_days = 30

      # Without the block no log is looked at. Entries that the controller calls
      # resolved do not count; the newest are shown.
      event_log {
        severity = "warning" # the least: "warning" or "critical"; without it: warning
        since    = "720h"    # an age in hours, or a time as "2026-11-01T00:00:00Z"; without it: for ever
        log      = "SEL"     # its Id; without it: the one that is kept of the hardware
      }
    }

    # Accounts that others have on the controller, such as the host's own: raiz
    # leaves them alone. raiz verify names every other administrator.
    accounts = ["noc"]

    # How it answers as delivered, before the first apply. That account is
    # switched off once the one above has been seen to log in.
    factory {
      address  = "192.168.0.120" # needed
      username = "root"          # needed
      password = env("GRU2_BMC_FACTORY")
    }
  }

  # needed: the machine and its operating system.
  server {
    hostname = "gru2"                      # needed
    release  = "bookworm"                  # of Debian: "bookworm" or "trixie"; without it: bookworm
    ntp      = ["192.0.2.1", "192.0.2.17"] # needed; names need dns
    dns      = ["192.0.2.1"]               # resolvers the server itself uses
    history  = 10                          # without it: 10; generations to go back to

    # Who updates packages: "unattended" (Debian's unattended-upgrades) or
    # "by-hand". Either way what answers and what announces is left out, and
    # needrestart does not restart it. Without it that is left as it is.
    updates = "unattended"

    # needed: how it is logged in to.
    ssh {
      user = "root" # without it: "root"
      port = 22     # without it: 22

      # Private key; without it the agent's keys. A certificate beside it,
      # ~/.ssh/raiz-cert.pub, is used; of a key in a FIDO2 device or with a
      # passphrase the agent makes the signatures.
      identity = "~/.ssh/raiz"

      # Its public host key, as in /etc/ssh/ssh_host_ed25519_key.pub. May be
      # left out until `raiz enroll` has seen it; plan and apply need it.
      host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4"

      # The key before, while it is being changed: either may be the right one.
      previous_host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIZlExF2yzGT0BESRlmOUtR0uVPVpU8J11iPL6MnpGDS"

      # Or, instead of a key or beside it, who signs host certificates. One of
      # them has to name the server's hostname or a management address.
      host_authority = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDIoysGOzoaSHDTNPeLWHo9XSE9jO35Z/yiRyNJbXes1"

      # Where it answers before the first apply, if not at its address below.
      bootstrap = "192.0.2.30"

      # The networks SSH is accepted from. Without it: from anywhere.
      from = ["198.51.100.128/25", "2001:db8:9::/48"]

      # Who may log in beside the key that raiz uses: public keys, or what
      # "ssh-keygen -lf" says of them. Any other key is named as drift.
      keys = ["SHA256:uNiVztksCsDhcc0u9e8BrvB/YPeNcjpmExv2fwVFVIE"]

      # Hosts to go through, in the order of the blocks.
      jump "bastion" {
        address  = "198.51.100.130" # needed
        user     = "raiz"           # without it: "root"
        port     = 2222             # without it: 22
        identity = "~/.ssh/bastion" # without it the agent's keys
        host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDIoysGOzoaSHDTNPeLWHo9XSE9jO35Z/yiRyNJbXes1"
      }
    }

    # What else lives on the server. raiz does not install it, opens its ports
    # to the networks of from, and does not take it for drift.
    agent "metrics" {
      units   = ["prometheus-node-exporter.service"]
      listens = ["tcp/9100"]                                           # without it: nowhere
      from    = ["198.51.100.128/25"]                                  # without it: nobody
      keys    = ["SHA256:WjNDQXdGNzRLM2pBb1Jxa0ZkM2dMcFhqWnRVbW4zUQk"] # that log in for it
    }

    # needed: how the operator gets in.
    interface "management" {
      # needed: by the kernel's name, or by mac as below.
      match = { name = "eno1" }
      # needed: at most one of each family.
      addresses = ["${cidrhost(local.lan4, 4)}/28", "${cidrhost(local.lan6, 32)}/64"]
      # At most one of each family, on the link.
      gateways = [cidrhost(local.lan4, 1), cidrhost(local.lan6, 1)]
      mtu      = 1500 # 1280 to 9216; without it: 1500
    }

    # needed: the link to the neighbors. Gateways are refused here: the way
    # out is the neighbor. IPv4 may be private.
    interface "service" {
      match     = { mac = "02:00:00:00:00:02" }
      addresses = ["198.51.100.1/29", "2001:db8:0:3::1/64"]
      mtu       = 1500

      # 802.1Q tag, also for management; without it: untagged. The kernel then
      # calls the interface by role and tag: "service.100".
      vlan = 100
    }
  }

  # needed: the server's side of the routing.
  bgp {
    asn = 25152 # needed: the AS that the blocks originate from

    # Unique within that AS. Without it: the management's IPv4 address.
    router_id = "192.0.2.20"

    # needed: one or more, each named as a router of the host.
    neighbor "edge1" {
      asn       = 64500                               # needed: the host's
      addresses = ["198.51.100.2", "2001:db8:0:3::2"] # needed: one session each

      # RFC 2385, on both ends: at most 80 characters. Without it: none.
      password = env("GRU2_BGP_PASSWORD")

      # RFC 5082: both ends at once. Without it: false.
      ttl_security = true

      # "default" takes the default route and nothing else; "nothing" takes
      # no route (RFC 8212). Without it: "nothing".
      accept = "default"

      # Routes of each family that it may send, taken or not, before the
      # session restarts (RFC 7454 section 8). Without it: 10.
      receive_limit = 10

      # Seconds, 3 or more: so long a dead server draws queries behind a
      # switch, unless BFD (RFC 5882) notices. Without them: 30, and no BFD.
      hold_time = 30
      bfd       = true

      # RFC 9234: the server is the customer of the host's router, and both
      # ends have to say so. Without it: no role.
      role = "customer"

      # "blocks", or "nothing" where a session only gives a way out. Without
      # it: "blocks".
      announce = "blocks"
    }

    neighbor "edge2" {
      asn          = 64500
      addresses    = ["198.51.100.3", "2001:db8:0:3::3"]
      password     = env("GRU2_BGP_PASSWORD")
      ttl_security = true
    }

    # Some operators have a session with somebody else besides: it needs no
    # router of the host, and its AS is another.
    neighbor "upstream" {
      transit      = true # without it: false
      asn          = 64501
      addresses    = ["198.51.100.4"]
      password     = env("GRU2_TRANSIT_PASSWORD")
      ttl_security = true
      accept       = "default"
      announce     = "nothing"
    }
  }

  # needed: what is announced, one block for each service.
  anycast "k-root" {
    # needed: exactly these leave the server. Each holds an address below, or
    # covers a block that does.
    prefixes = ["193.0.14.0/24", "193.0.14.0/23", "2001:7fd::/48"]

    # needed: the addresses that answer.
    addresses = ["193.0.14.129", "2001:7fd::1"]

    # Where the server peers from an AS of the site's own, what stands behind
    # bgp.asn in the AS path, the origin last: as_path = [3557]
    origin_asn = 25152 # bgp.asn, or the last of as_path; without it: just that

    # "global", or "local": tagged NO_EXPORT (RFC 1997). Without it: "global".
    propagation = "global"

    # Of the prefixes, those that are tagged NO_EXPORT all the same. Without
    # it: none.
    local_prefixes = ["193.0.14.0/24"]

    # For a root server, which: "a" to "m". Its address is checked, its blocks
    # and origin are compared with a catalogue.
    letter = "k"
  }

  # needed: what the name server answers.
  dns {
    # needed: hostname.bind, id.server and NSID; printable ASCII.
    identity = "ns1.br-gru.example.net"

    # "root" for the keys that IANA publishes for the root, or DS records as
    # text, such as ". IN DS 20326 8 2 E06D...". A transferred zone is served
    # only when its signatures lead to one of them and its ZONEMD (RFC 8976) is
    # right. Without it: "root" where the root is transferred.
    trust_anchors = "root"

    # How much one network is answered over UDP; without it: the operator's
    # values, and without those no limit. 0 a second limits nothing. Of the
    # limited answers one in slip is sent, truncated, so that a real client
    # comes back over TCP; 1 truncates all, 0 drops all.
    rate_limit {
      responses_per_second = 1000 # needed, for each network and kind of answer
      slip                 = 2    # without it: 2
      ipv4_prefix          = 24   # what is one network; without it: 24
      ipv6_prefix          = 64   # without it: 64
    }

    # What server cookies (RFC 7873, RFC 9018) are made with: the same at all
    # copies of a block. To change it: put the new one into staging at all
    # copies, then swap the two at all, then take the old one out. A client
    # with a good cookie is never limited. Without it: no cookies.
    cookie {
      secret  = env("COOKIE_SECRET")         # needed: 32 hexadecimal digits
      staging = env("COOKIE_SECRET_STAGING") # accepted as well; without it: none
    }

    # Transaction keys (RFC 8945), for the zones below.
    key "xfr.example.net" {
      algorithm = "hmac-sha256"          # -sha384 or -sha512; without it: "hmac-sha256"
      secret    = env("GRU2_XFR_SECRET") # needed: base64
    }

    # needed: one or more. Each has either primaries, to be transferred from,
    # or source, for data that is built in: "as112" (RFC 7534, RFC 7535).
    zone "." {
      primaries = ["192.0.2.53", "2001:db8:53::53"]
      key       = "xfr.example.net" # signs the transfer, and needed for one
    }
    zone "root-servers.net" {
      primaries = ["192.0.2.53", "2001:db8:53::53"]

      # Where there can be no key, why:
      unauthenticated = "the primary knows the copy by its address only"
      # Where the zone is not signed, or has no ZONEMD, why it is served all
      # the same:
      unverified = "root-servers.net is not signed"
    }
    zone "hostname.as112.net" {
      source = "as112"
    }
  }

  # Which program does what: folders of templates/. Without a word the
  # operator's choice holds, and without that the one shown here.
  components {
    network  = "networkd"
    bgp      = "bird"
    dns      = "nsd"
    firewall = "nftables"
    time     = "chrony"
    system   = "debian"
    guard    = "ibgp"

    # What a pack can be set to: docs/packs.md and its component.hcl. The
    # pack for dns has none; that of Knot DNS has tcp_clients.
    options "dns" {
    }
  }

  # A rule of the operator that this site does not keep, and why. Reports
  # repeat it. An override of a rule that the site keeps is a warning.
  override "bmc-ipv6" {
    reason = "This controller cannot filter IPv6, so that it gets IPv4 only."
  }
}
