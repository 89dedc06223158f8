package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// errExit is an exit code other than 0.
var errExit = errors.New("exit status 1")

// Run implements helper.Machine. Commands of network managers do what those
// do; any other one reads the files that it is given: one with the word
// "checkfail" is bad, and over one with the word "checkhang" it never ends.
func (p *Process) Run(argv []string, limit time.Duration) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("no command")
	}
	if err := p.changes("run", strings.Join(argv, " "), limit.String()); err != nil {
		return "", err
	}
	m := p.m
	if i := slices.Index(argv, "--"); argv[0] == "systemd-run" && i > 0 && i < len(argv)-1 {
		argv = argv[i+1:] // in a scope of its own
	}
	var err error
	switch path.Base(argv[0]) {
	case "ifup", "ifdown", "ifquery", "dhclient":
		err = m.runIfupdown(argv)
	case "networkctl":
		err = m.runNetworkctl(argv)
	case "nmcli":
		err = m.runNmcli(argv)
	case "netplan":
		m.generate()
		if slices.Contains(argv, "apply") {
			err = m.act(helper.OpRestart, networkdUnit, p.name)
		}
	case "echo":
		return strings.Join(argv[1:], " ") + "\n", nil
	case "hostname":
	case "nft":
		return m.nft(&m.run, argv)
	case "nsd-checkconf", "bird", "true":
		return p.check(argv, limit)
	default:
		if m.disk.read(argv[0]) == nil {
			return "", failed("exec", argv[0], fs.ErrNotExist)
		}
	}
	p.pass(m.load)
	if err != nil {
		return err.Error() + "\n", errExit
	}
	return "", nil
}

// check is a program that reads files. One that hangs is ended after its limit.
func (p *Process) check(argv []string, limit time.Duration) (string, error) {
	p.pass(p.m.load)
	for _, a := range argv[1:] {
		b := p.m.disk.read(a)
		switch {
		case !path.IsAbs(a):
		case b == nil:
			return "cannot open " + a + "\n", errExit
		case bytes.Contains(b.data, []byte("checkhang")):
			p.pass(limit)
			return "", helper.ErrTimeout
		case bytes.Contains(b.data, []byte("checkfail")) || len(b.data) == 0:
			return a + ":1 syntax error\n", errExit
		}
	}
	return "", nil
}

func last(argv []string) string { return argv[len(argv)-1] }

func (m *Machine) runIfupdown(argv []string) error {
	name := last(argv)
	forced := slices.Contains(argv, "--force")
	i := slices.IndexFunc(m.stanzas(), func(s stanza) bool { return s.link == name })
	switch path.Base(argv[0]) {
	case "ifup":
		if i < 0 {
			return fmt.Errorf("ifup: unknown interface %s", name)
		}
		if m.inState(name) && !forced {
			return nil
		}
		return m.ifup(m.stanzas()[i])
	case "ifdown":
		if i < 0 {
			return fmt.Errorf("ifdown: unknown interface %s", name)
		}
		if m.inState(name) || forced {
			m.ifdown(name)
		}
	case "dhclient":
		switch {
		case slices.Contains(argv, "-x"): // ends it, and does not release
			m.stopDHCP(name)
		case slices.Contains(argv, "-r"):
			m.stopDHCP(name)
			_ = m.net.delAddress(name, leased)
		default:
			return m.ifup(stanza{link: name, dhcp: true})
		}
	}
	return nil
}

func (m *Machine) runNetworkctl(argv []string) error {
	if m.net.networkd == nil {
		return errors.New("failed to connect to systemd-networkd")
	}
	switch {
	case slices.Contains(argv, "reload"):
		m.reloadNetworkd()
	case slices.Contains(argv, "reconfigure"):
		if l := m.net.link(last(argv)); l != nil {
			m.reconfigure(l, m.networkFile(l))
		}
	}
	return nil
}

func (m *Machine) runNmcli(argv []string) error {
	if m.unit(nmUnit).active != "active" {
		return errors.New("NetworkManager is not running")
	}
	words := strings.Join(argv, " ")
	switch {
	case strings.Contains(words, " managed no"):
		_ = m.disk.put(nmDevice, "[device]\nmanaged=false\n")
	case strings.Contains(words, " managed yes"):
		m.startNM()
	case strings.Contains(words, " reload"):
		m.reloadNM()
	case strings.Contains(words, " up"):
		for _, p := range m.profiles() {
			if strings.Contains(words, p.uuid) && p.uuid != "" {
				m.connect(p)
				return nil
			}
		}
		return errors.New("unknown connection")
	}
	return nil
}
