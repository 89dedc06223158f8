package site

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Agent is something of the operator's own that lives on the server, such as a
// collector of statistics: raiz does not install it, and does not take it for
// drift.
type Agent struct {
	Name    string
	Units   []string       // systemd's
	Listens []Listen       // where it takes what comes
	From    []netip.Prefix // who may send something there; none for nobody
	Keys    []string       // fingerprints of SSH keys that may log in for it
}

// Listen is a port of every address of the server.
type Listen struct {
	Network string // "tcp" or "udp"
	Port    uint16
}

func (l Listen) String() string { return fmt.Sprintf("%s/%d", l.Network, l.Port) }

type rawAgent struct {
	Name      string         `hcl:"name,label"`
	NameRange hcl.Range      `hcl:"name,label_range"`
	Range     hcl.Range      `hcl:",def_range"`
	Units     *hcl.Attribute `hcl:"units,optional"`
	Listens   *hcl.Attribute `hcl:"listens,optional"`
	From      *hcl.Attribute `hcl:"from,optional"`
	Keys      *hcl.Attribute `hcl:"keys,optional"`
}

func (c *converter) agents(raw []rawAgent, ssh uint16) []Agent {
	var out []Agent
	var names []given[string]
	for i := range raw {
		r := &raw[i]
		label := c.label(r.Name, r.NameRange, name("an agent"))
		names = append(names, label)
		c.keep("server.agent."+label.val, r.Range)
		a := Agent{Name: label.val, Keys: c.loginKeys(r.Keys)}
		for _, u := range c.texts(r.Units) {
			if p := shaped("a unit", `write its whole name, such as "node-exporter.service"`, isUnit)(u.val); p != nil {
				c.fail(u.at, *p)
				continue
			}
			a.Units = append(a.Units, u.val)
		}
		for _, t := range c.texts(r.Listens) {
			l, ok := parseListen(t.val)
			if !ok {
				c.fail(t.at, problem{"agent-listens", "not a port", fmt.Sprintf("%q is no transport and port, such as \"tcp/9100\" or \"udp/5300\".", short(t.val))})
				continue
			}
			if owner := portOwner(l, ssh); owner != "" {
				c.fail(t.at, problem{"agent-listens", "port that is taken", fmt.Sprintf("%s is that of %s.", t.val, owner)})
				continue
			}
			a.Listens = append(a.Listens, l)
		}
		a.From = c.agentFrom(r)
		if len(a.From) > 0 && len(a.Listens) == 0 {
			c.fail(r.From.NameRange, problem{"agent-listens", "from without a port", "from says who may send something to the agent. Say with listens where it takes it."})
		}
		if r.Units == nil && r.Listens == nil && r.Keys == nil {
			c.fail(r.Range, problem{"agent-empty", "agent without anything", "An agent that has neither units, listens nor keys declares nothing."})
		}
		out = append(out, a)
	}
	c.unique("agent", names)
	return out
}

func (c *converter) agentFrom(r *rawAgent) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range c.texts(r.From) {
		if p := c.masked(t); p.ok && c.usableNet(t.at, p.val, "a network", forHelper) {
			out = append(out, p.val)
			c.comers = append(c.comers, given[netip.Prefix]{p.val, t.at, true})
		}
	}
	return sortedPrefixes(out)
}

var unitShape = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9:._@+-]*\.(service|socket|timer|path|target|mount)$`)

func isUnit(s string) bool { return len(s) <= maxName && unitShape.MatchString(s) }

func parseListen(s string) (Listen, bool) {
	network, port, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	return Listen{network, uint16(n)}, err == nil && n > 0 && (network == "tcp" || network == "udp")
}

// loginKeys are public keys, or their fingerprints, as fingerprints.
func (c *converter) loginKeys(attr *hcl.Attribute) []string {
	var out []string
	for _, t := range c.texts(attr) {
		print, why := keyPrint(t.val)
		if why != "" {
			c.fail(t.at, problem{"login-key", "not a public key", why + ` Write the line of its .pub file, or what "ssh-keygen -lf" says: "SHA256:…".`})
			continue
		}
		if !slices.Contains(out, print) {
			out = append(out, print)
		}
	}
	return out
}

var fingerprintShape = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// keyPrint is what OpenSSH calls a public key by.
func keyPrint(s string) (print, why string) {
	if fingerprintShape.MatchString(s) {
		return s, ""
	}
	fields := strings.Fields(s)
	if strings.HasPrefix(s, "SHA256:") || len(fields) < 2 {
		return "", fmt.Sprintf("%q is neither a public key nor a whole fingerprint.", short(s))
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return "", fmt.Sprintf("What follows %q is no key in base64.", short(fields[0]))
	}
	// The type stands once more inside of it (RFC 4253 section 6.6).
	if inner, _, ok := sshString(blob); !ok || string(inner) != fields[0] {
		return "", fmt.Sprintf("The key is not of type %q.", short(fields[0]))
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), ""
}
