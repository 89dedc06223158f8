package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// protocolNames are the services of a BMC that a site may switch. IPMI is not
// among them: it is always to be off, because its login gives the hash of
// every password to anybody who asks (CVE-2013-4786).
func protocolNames() []string {
	return []string{"ssh", "telnet", "snmp", "http", "kvm-ip", "virtual-media"}
}

// services converts what of a BMC is managed only where the site says so.
func (c *converter) services(raw *rawBMC, b *BMC) {
	switch tag := c.number(raw.VLAN, 0, 4094, -1); tag {
	case -1:
	case 0:
		b.VLAN = "none"
	default:
		b.VLAN = strconv.FormatInt(tag, 10)
	}
	if raw.Protocols != nil {
		b.Protocols = c.protocols(raw.Protocols)
	}
	if raw.HTTPS != nil {
		b.HTTPS = c.https(raw.HTTPS)
	}
	b.SerialConsole = c.oneOf(raw.Serial, "", "on", "off")
	b.Boot = c.oneOf(raw.Boot, "", "order", "disk", "pxe", "http", "cd", "usb", "setup")
	var order []given[string]
	for _, s := range c.texts(raw.BootOrder) {
		if c.passes(s.at, s.val, shaped("a boot option", `write its name as the BMC has it, such as "Boot0001"`, word)) {
			order = append(order, s)
			b.BootOrder = append(b.BootOrder, s.val)
		}
	}
	c.unique("boot option", order)
}

// protocols converts { ssh = "off", ... }.
func (c *converter) protocols(attr *hcl.Attribute) map[string]string {
	words, _ := c.keyed(attr, protocolNames()...)
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		w := words[name]
		if c.passes(w.at, w.val, shaped("on or off", `write it as "on" or "off"`, func(s string) bool { return s == "on" || s == "off" })) {
			out[name] = w.val
		}
	}
	return out
}

// hardware converts the least that a server has to have; what raw does not
// say is as in least.
func (c *converter) hardware(raw *rawHardware, least Hardware) Hardware {
	if raw == nil {
		return least
	}
	count := func(attr *hcl.Attribute, high int64, otherwise int) int {
		return int(c.number(attr, 0, high, int64(otherwise)))
	}
	return Hardware{
		CPUs:          count(raw.CPUs, 64, least.CPUs),
		Cores:         count(raw.Cores, 4096, least.Cores),
		MemoryGiB:     count(raw.MemoryGiB, 1<<20, least.MemoryGiB),
		Disks:         count(raw.Disks, 1024, least.Disks),
		RAID:          c.oneOf(raw.RAID, least.RAID, "raid0", "raid1", "raid5", "raid6", "raid10"),
		PowerSupplies: count(raw.PowerSupplies, 16, least.PowerSupplies),
		NICs:          count(raw.NICs, 64, least.NICs),
	}
}

// https converts the certificate that the BMC is to show. Its key need not be
// there: MissingSecrets tells.
func (c *converter) https(raw *rawHTTPS) *HTTPS {
	out := &HTTPS{}
	if c.need(raw.Certificate, raw.Range, "certificate", `certificate = file("gru1-bmc.pem")`) {
		if val, ok := c.value(raw.Certificate, cty.String, "a string"); ok {
			out.Chain = []byte(val.AsString())
			if err := checkCA(val.AsString()); err != nil {
				c.fail(raw.Certificate.Expr.Range(), problem{"bmc-https", "not a certificate", fmt.Sprintf(
					`certificate has to be PEM, for example: certificate = file("gru1-bmc.pem"). %s`, err)})
			} else {
				block, _ := pem.Decode(out.Chain)
				sum := sha256.Sum256(block.Bytes)
				out.Fingerprint = "sha256:" + hex.EncodeToString(sum[:])
			}
		}
	}
	if c.need(raw.Key, raw.Range, "key", `key = file("gru1-bmc.key")`) {
		out.Key = c.secret(raw.Key, "bmc.https.key", func(s string) *problem {
			if block, _ := pem.Decode([]byte(s)); block == nil || !strings.HasSuffix(block.Type, "PRIVATE KEY") {
				return &problem{"bmc-https", "not a private key", `key has to be PEM, for example: key = file("gru1-bmc.key").`}
			}
			return nil
		})
	}
	return out
}
