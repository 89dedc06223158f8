package site

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// defaultUser is who raiz logs in as unless told otherwise: it writes to /etc.
const defaultUser = "root"

func (c *converter) server(raw *rawServer) (Server, attachment) {
	c.mark("server", raw.Range)
	s := Server{}
	if c.need(raw.Hostname, raw.Range, "hostname", `hostname = "gru1"`) {
		s.Hostname = c.text(raw.Hostname, hostname).val
	}
	s.DNS, s.NTP = c.helpers(raw.DNS, raw.NTP, raw.Range, "the server")
	s.Release = c.oneOf(raw.Release, "bookworm", "bookworm", "trixie")
	s.Updates = Updates(c.oneOf(raw.Updates, "", string(UpdatesUnattended), string(UpdatesByHand)))
	s.History = int(c.number(raw.History, 2, 100, 10))
	if raw.SSH == nil {
		c.fail(raw.Range, problem{"required", "missing block", `ssh is needed here, for example: ssh { identity = "~/.ssh/raiz" }`})
	} else {
		s.SSH = c.ssh(raw.SSH)
	}
	s.Agents = c.agents(raw.Agents, s.SSH.Port)
	link := attachment{what: "the service interface"}
	seen := map[string]hcl.Range{}
	for i := range raw.Interfaces {
		in := &raw.Interfaces[i]
		if at, ok := seen[in.Role]; ok {
			c.fail(in.RoleRange, problem{"interfaces", "interface declared twice", fmt.Sprintf("interface %q is already declared at line %d.", in.Role, at.Start.Line)})
			continue
		}
		seen[in.Role] = in.RoleRange
		switch in.Role {
		case "management":
			s.Management, _ = c.netInterface(in, managementClaim, forAccess)
		case "service":
			s.Service, link = c.netInterface(in, linkClaim, forLink)
		default:
			c.fail(in.RoleRange, problem{"interfaces", "unknown interface", fmt.Sprintf(
				"There is no interface %q.%s", in.Role, didYouMean(in.Role, []string{"management", "service"}))})
		}
	}
	for _, role := range []string{"management", "service"} {
		if _, ok := seen[role]; !ok {
			c.fail(raw.Range, problem{"interfaces", "missing interface", fmt.Sprintf(
				"The server needs exactly one management and one service interface. Add: interface %q { ... }", role)})
		}
	}
	if m := s.Management.Match; m != (Match{}) && m == s.Service.Match && s.Management.VLAN == s.Service.VLAN {
		c.fail(seen["service"], problem{"interfaces", "one interface for both", "management and service match the same interface. They have to be two, or have different vlan tags."})
	}
	return s, link
}

func (c *converter) netInterface(raw *rawInterface, kind claimKind, p purpose) (Interface, attachment) {
	c.mark("server."+raw.Role, raw.Range)
	link := c.attach(raw.Addresses, raw.Range, "the "+raw.Role+" interface", kind, p)
	in := Interface{
		Role:      raw.Role,
		Match:     c.match(raw.Match, raw.Range),
		Addresses: values(link.addresses),
		// RFC 8200 section 5: IPv6 needs 1280.
		MTU:  int(c.number(raw.MTU, 1280, 9216, 1500)),
		VLAN: int(c.number(raw.VLAN, 1, 4094, 0)),
	}
	if kind == linkClaim && raw.Gateways != nil {
		// A second default route would take the answers of the management.
		c.fail(raw.Gateways.NameRange, problem{"service-gateway", "gateway on the service interface",
			`The way out of the service interface is the BGP neighbor. Leave gateways out; accept = "default" takes a default route from it.`})
		return in, link
	}
	in.Gateways = c.gateways(raw.Gateways, link)
	return in, link
}

func (c *converter) ssh(raw *rawSSH) SSH {
	c.keep("server.ssh.host_key", raw.Range)
	c.mark("server.ssh", raw.Range)
	s := SSH{
		User:     defaultUser,
		Port:     c.sshPort(raw.Port),
		Identity: c.text(raw.Identity, keyFile).val,
		Host:     c.hostPin(raw.HostKey, raw.Previous, raw.Authority),
	}
	if raw.User != nil {
		s.User = c.text(raw.User, userName()).val
	}
	if got := c.addr(raw.Bootstrap, "the server as installed", forHelper); got.ok {
		s.Bootstrap = got.val
		c.claimAddr(bootstrapClaim, "the server as installed", got.val, got.at)
	}
	from := c.texts(raw.From)
	if from != nil && len(from) == 0 {
		c.fail(raw.From.Expr.Range(), problem{"ssh-from", "SSH open to all", "from is empty, which lets nobody in or everybody. List the networks; to accept SSH from anywhere, leave from out."})
	}
	for _, t := range from {
		if p := c.masked(t); p.ok {
			if p.val.Bits() == 0 {
				c.fail(t.at, problem{"ssh-from", "SSH open to all", "from lists the networks SSH is accepted from. To accept it from anywhere, leave from out."})
				continue
			}
			if c.usableNet(t.at, p.val, "a network", forHelper) {
				s.From = append(s.From, p.val)
				c.comers = append(c.comers, given[netip.Prefix]{p.val, t.at, true})
			}
		}
	}
	s.From = sortedPrefixes(s.From)
	s.Keys = c.loginKeys(raw.Keys)
	s.Jump = c.jumps(raw.Jump)
	return s
}

// sshPort is none of those that the copy answers on.
func (c *converter) sshPort(attr *hcl.Attribute) uint16 {
	port := uint16(c.number(attr, 1, 65535, 22))
	if owner := portOwner(Listen{"tcp", port}, 0); owner != "" {
		c.fail(attr.Expr.Range(), problem{"ssh-port", "port that is taken", fmt.Sprintf("%d is that of %s.", port, owner)})
	}
	return port
}

// portOwner is what of the copy has a port, or "".
func portOwner(l Listen, ssh uint16) string {
	switch {
	case l.Port == 53:
		return "DNS"
	case l.Port == 179 && l.Network == "tcp":
		return "BGP"
	case l.Port == ssh && l.Network == "tcp":
		return "SSH, which ssh.from opens"
	}
	return ""
}

// comersCome: what comes from the copy's own blocks is dropped as made up, and the
// server does not come to itself.
func (c *converter) comersCome(s *Site) {
	for _, p := range c.comers {
		why := ""
		for _, b := range s.Blocks() {
			if b.Bits() <= p.val.Bits() && b.Contains(p.val.Addr()) {
				why = "is in the block " + b.String() + ", which this copy announces itself"
			}
		}
		for _, own := range s.Server.Management.Addresses {
			if p.val.IsSingleIP() && own.Addr() == p.val.Addr() {
				why = "is the server itself"
			}
		}
		if why != "" {
			c.fail(p.at, problem{"ssh-from", "nobody comes from there", fmt.Sprintf("%s %s.", p.val, why)})
		}
	}
}

// keyFile checks the name of a private key file. Some people put the key there.
func keyFile(s string) *problem {
	kind, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	switch {
	case strings.Contains(s, "-----BEGIN"):
		return &problem{"identity", "key in place of its file", `identity is the name of the file that holds the private key, such as "~/.ssh/raiz". The key itself does not belong into a site file: what was kept and shared has to be replaced.`}
	case slices.Contains(hostKeyTypes(), kind):
		return &problem{"identity", "key in place of its file", `identity is the name of the file that holds the private key, such as "~/.ssh/raiz"; this is a public key.`}
	}
	return plain("The name of a key file", maxIdentity)(s)
}

// jumps keeps the order of the file: it is the order of the way.
func (c *converter) jumps(raw []rawJump) []Jump {
	var out []Jump
	var names []given[string]
	for i := range raw {
		r := &raw[i]
		label := c.label(r.Name, r.NameRange, name("a jump host"))
		names = append(names, label)
		c.keep("server.ssh.jump."+label.val, r.Range)
		j := Jump{
			Name:     label.val,
			User:     defaultUser,
			Port:     uint16(c.number(r.Port, 1, 65535, 22)),
			Identity: c.text(r.Identity, keyFile).val,
			Host:     c.hostPin(r.HostKey, r.Previous, r.Authority),
		}
		if r.User != nil {
			j.User = c.text(r.User, shaped("a user name", "write letters, digits and . _ + -", word)).val
		}
		if c.need(r.Address, r.Range, "address", `address = "192.0.2.40"`) {
			j.Address = c.addr(r.Address, "a jump host", forHelper).val
		}
		out = append(out, j)
	}
	c.unique("jump", names)
	return out
}

func (c *converter) hostPin(key, previous, authority *hcl.Attribute) HostPin {
	p := HostPin{Key: c.hostKey(key), Previous: c.hostKey(previous), Authority: c.hostKey(authority)}
	if previous != nil && key == nil {
		c.fail(previous.NameRange, problem{"host-key", "the key before which one", "previous_host_key is the key before host_key, which is not there. Write the new one into host_key."})
	}
	return p
}

// hostKey returns the key in the form "TYPE BASE64", without the comment.
func (c *converter) hostKey(attr *hcl.Attribute) string {
	val, ok := c.value(attr, cty.String, "a string")
	if !ok {
		return ""
	}
	key, why := parseHostKey(val.AsString())
	if why != "" {
		c.fail(attr.Expr.Range(), problem{"host-key", "not a host key", why + " It is the line of a .pub file, such as /etc/ssh/ssh_host_ed25519_key.pub on the server."})
	}
	return key
}

func hostKeyTypes() []string {
	return []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"}
}

// parseHostKey checks a public key in the form of OpenSSH: type, base64,
// comment. The type stands once more inside of the base64 (RFC 4253 §6.6).
func parseHostKey(s string) (key, why string) {
	fields := strings.Fields(s)
	types := hostKeyTypes()
	switch {
	case strings.ContainsAny(strings.TrimSpace(s), "\r\n"):
		return "", "It has more than one line."
	case len(fields) > 2 && slices.Contains(types, fields[1]):
		return "", fmt.Sprintf("Leave out what is in front of %q.", fields[1])
	case len(fields) < 2 || !slices.Contains(types, fields[0]):
		return "", "It has to begin with its type, such as ssh-ed25519, and go on with the key."
	}
	raw, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return "", "The key is not base64; maybe it was cut off."
	}
	inner, rest, ok := sshString(raw)
	if !ok || string(inner) != fields[0] {
		return "", fmt.Sprintf("What is inside of the key is not %s.", fields[0])
	}
	for len(rest) > 0 && ok {
		inner, rest, ok = sshString(rest)
	}
	if !ok || (fields[0] == "ssh-ed25519" && len(inner) != 32) || len(inner) == 0 {
		return "", "The key is too short; maybe it was cut off."
	}
	return fields[0] + " " + fields[1], ""
}

// sshString takes a string of RFC 4251 section 5 off the front.
func sshString(raw []byte) (s, rest []byte, ok bool) {
	if len(raw) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(raw)
	if raw = raw[4:]; uint64(n) > uint64(len(raw)) {
		return nil, nil, false
	}
	return raw[:n], raw[n:], true
}
