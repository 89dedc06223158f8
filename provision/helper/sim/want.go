package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/raiz-dns/raiz/provision/server"
)

// Want is a generation that a near side wants to have, in few words.
type Want struct {
	// Edition is what tells its files from those of others.
	Edition          int
	Address, Gateway string // of the management link; ADDRESS/LENGTH
	DNS              string // its pack: nsd or knot
	Guard            bool   // it has a unit of its own, in a directory of its own
	// Spoilt is a word that is put into the file of the name server:
	// checkfail, checkhang or startfail.
	Spoilt string
	// Again is the number of the generation that is rolled back to, instead.
	Again int
	// Service is an address of the loopback, with a file of the routing daemon
	// that was not there before; "" for neither. Still says that the
	// file of the management link is the same in all editions.
	Service string
	Still   bool
	// Rules is the edition of rules of the packet filter, and of a parameter of
	// the kernel, that have to be in effect; 0 for none.
	Rules int
}

const (
	networkFile = "/etc/systemd/network/05-raiz-eno1.network"
	peersFile   = "/etc/bird/peers.conf" // in a directory of the daemon's user
	serviceFile = "/etc/systemd/network/06-raiz-lo.network"
	guardUnit   = "raiz-guard.service"
	guardFile   = "/etc/systemd/system/" + guardUnit
	guardConf   = "/etc/raiz/guard/guard.conf"
	birdConf    = "/etc/bird/bird.conf"
	zonesTool   = "/usr/local/lib/raiz/zones" // comes with a generation, and is run by it
)

// installElsewhere has a boot start a unit by a directory that was not there.
const installElsewhere = "[Install]\nWantedBy=network-online.target\n"

// secretWord is in the one file that is a secret.
const secretWord = "password"

func dnsConf(pack string) string { return "/etc/" + pack + "/" + pack + ".conf" }

// paths are all that any generation manages.
func paths() []string {
	return []string{networkFile, serviceFile, peersFile, "/etc/hostname", dnsConf("nsd"), dnsConf("knot"), birdConf, guardFile, guardConf, zonesTool, rulesFile, sysctlFile}
}

func (w Want) String() string {
	return fmt.Sprintf("edition %d: %s by %s, %s %s, guard %t, %s", w.Edition, w.Address, w.Gateway, w.DNS, w.Service, w.Guard, w.Spoilt)
}

// ip is where the server is meant to answer.
func (w Want) ip() string {
	for i := range w.Address {
		if w.Address[i] == '/' {
			return w.Address[:i]
		}
	}
	return w.Address
}

func file(path, text string, effect *server.Action, check ...string) server.File {
	sum := sha256.Sum256([]byte(text))
	return server.File{Path: path, Mode: 0o644, Owner: "root", Group: "root", Data: []byte(text), Sum: hex.EncodeToString(sum[:]), Effect: effect, Check: check}
}

func effect(order int, verb, unit string) *server.Action {
	return &server.Action{Order: order, Verb: verb, Unit: unit}
}

// manifest is the generation as raiz sends it. The network is managed, and so
// are a name server, a routing daemon that has a secret, a guard, and a name.
func (w Want) manifest() server.Manifest {
	head := fmt.Sprintf("# edition %d\n", w.Edition)
	dns, link := w.DNS+".service", head
	if w.Still {
		link = ""
	}
	m := server.Manifest{
		Plan: fmt.Sprintf("plan%d", w.Edition),
		Files: []server.File{
			file(networkFile, link+"[Match]\nName=eno1\n[Network]\nAddress="+w.Address+"\nGateway="+w.Gateway+"\nConfigureWithoutCarrier=yes\n", effect(0, server.ActReload, networkdUnit)),
			file("/etc/hostname", fmt.Sprintf("gru%d\n", w.Edition), nil),
			file(dnsConf(w.DNS), head+w.Spoilt+"\n", effect(2, server.ActRestart, dns), "nsd-checkconf", "{}"),
		},
		Units: []server.Unit{
			{Name: networkdUnit, Enabled: true, Active: true},
			{Name: dns, Enabled: true, Active: true, Order: 2},
			{Name: "bird.service", Enabled: true, Active: true, Order: 3},
		},
		Links: []server.Link{{Match: server.Match{Name: "eno1"}, Addresses: []string{w.Address}, Gateways: []string{w.Gateway}}},
	}
	bird := file(birdConf, head+secretWord+"\n", effect(3, server.ActReload, "bird.service"), "bird", "-p", "-c", "{}")
	bird.Mode, bird.Group, bird.Secret = 0o640, "bird", true
	tool := file(zonesTool, "#!/bin/sh\n", &server.Action{Order: 2, Run: []string{zonesTool}})
	tool.Mode = 0o755
	m.Files = append(m.Files, bird, tool)
	if w.Service != "" {
		m.Files = append(m.Files, file(serviceFile, "[Match]\nName=lo\n[Network]\nAddress="+w.Service+"\n", effect(0, server.ActReload, networkdUnit)))
		m.Files = append(m.Files, file(peersFile, "# peers\n", effect(3, server.ActReload, "bird.service")))
		m.Links = append(m.Links, server.Link{Match: server.Match{Name: "lo"}, Addresses: []string{w.Service}})
	}
	if w.Guard {
		m.Files = append(m.Files,
			file(guardFile, head+"[Service]\nX-Config="+guardConf+"\nX-Reload=no\n"+installElsewhere, effect(4, server.ActRestart, guardUnit)),
			file(guardConf, head, effect(4, server.ActRestart, guardUnit)))
		m.Units = append(m.Units, server.Unit{Name: guardUnit, Enabled: true, Active: true, Order: 4})
	}
	w.running(&m)
	return m
}
