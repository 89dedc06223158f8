package sim

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// What files put into the kernel, and others may change there.
const (
	rulesFile  = "/etc/nftables.conf"
	rulesUnit  = "nftables.service"
	sysctlFile = "/etc/sysctl.d/60-raiz.conf"
	sysctlUnit = "systemd-sysctl.service"
	forwarding = "net/ipv4/ip_forward"
	clears     = "flush ruleset\n"
)

// running is what the kernel has of them.
type running struct {
	rules   []string // of the packet filter, a line each
	sysctls map[string]string
}

func newRunning() running {
	return running{sysctls: map[string]string{
		forwarding: "0", "net/ipv6/conf/lo/accept_ra": "1", "net/ipv6/conf/eno1/accept_ra": "1", "net/ipv6/conf/eno2/accept_ra": "1",
	}}
}

// load has the kernel filter as a file says. A file without the word that
// flushes adds to what is there (nft(8)).
func (r *running) load(text string) {
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case line == strings.TrimSpace(clears):
			r.rules = nil
		case line != "" && !strings.HasPrefix(line, "#"):
			r.rules = append(slices.Clone(r.rules), line)
		}
	}
}

func (r *running) show() string {
	if len(r.rules) == 0 {
		return ""
	}
	return strings.Join(r.rules, "\n") + "\n"
}

// set has the kernel have the parameters of a file (sysctl.d(5)).
func (r *running) set(text string) {
	r.sysctls = maps.Clone(r.sysctls)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			r.sysctls[strings.ReplaceAll(strings.TrimSpace(name), ".", "/")] = strings.TrimSpace(value)
		}
	}
}

// takes has the kernel have what a unit that was started or loaded anew has read.
func (m *Machine) takes(u *unit) {
	for _, b := range u.runs {
		switch u.name {
		case rulesUnit:
			m.run.load(string(b.data))
		case sysctlUnit:
			m.run.set(string(b.data))
		}
	}
}

// Sysctls implements helper.Kernel.
func (p *Process) Sysctls(name string) (map[string]string, error) {
	if err := p.looksAt("look at", "parameters of the kernel"); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for have, value := range p.m.run.sysctls {
		if ok, _ := path.Match(name, have); ok {
			out[have] = value
		}
	}
	return out, nil
}

// SetSysctl implements helper.Kernel.
func (p *Process) SetSysctl(name, value string) error {
	if err := p.changes("sysctl", name, value); err != nil {
		return err
	}
	if _, there := p.m.run.sysctls[name]; !there {
		return failed("sysctl", name, fs.ErrNotExist)
	}
	p.m.run.set(name + "=" + value)
	return nil
}

// Apart implements helper.Kernel: of all programs nft alone has its work there.
func (p *Process) Apart(commands [][]string, limit time.Duration) (out string, err error) {
	if err := p.looksAt("run", "programs apart"); err != nil {
		return "", err
	}
	apart := newRunning()
	for _, argv := range commands {
		switch {
		case len(argv) == 0 || path.Base(argv[0]) != "nft":
			return p.Run(argv, limit)
		default:
			if out, err = p.m.nft(&apart, argv); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// nft does what the packet filter's program does with the rules of a network.
func (m *Machine) nft(r *running, argv []string) (string, error) {
	if slices.Contains(argv, "list") {
		return r.show(), nil
	}
	b := m.disk.read(last(argv))
	if b == nil {
		return "cannot open " + last(argv) + "\n", errExit
	}
	r.load(string(b.data))
	return "", nil
}

// byHand is somebody who changes what runs, and no file.
func (m *Machine) byHand() {
	m.run.load(clears + "by hand\n")
	m.run.set(forwarding + "=7")
}

// running adds the files of what runs in the kernel.
func (w Want) running(m *server.Manifest) {
	if w.Rules == 0 {
		return
	}
	rules := file(rulesFile, fmt.Sprintf("%srule %d\n", clears, w.Rules), effect(0, server.ActReload, rulesUnit))
	rules.Runtime = &state.Runtime{Shows: []string{"nft", "list", "ruleset"}, Loads: []string{"nft", "--file", "{}"}, Clears: clears}
	sysctl := file(sysctlFile, fmt.Sprintf("net.ipv4.ip_forward = %d\n", w.Rules), effect(0, server.ActRestart, sysctlUnit))
	sysctl.Runtime = &state.Runtime{Sysctls: []state.Sysctl{{Name: forwarding, Value: strconv.Itoa(w.Rules)}}}
	m.Files = append(m.Files, rules, sysctl)
	m.Units = append(m.Units, server.Unit{Name: rulesUnit, Enabled: true, Active: true})
}

// runtime is how it is seen that a file of a generation is in effect.
func (w Want) runtime(path string) *state.Runtime {
	if w.Rules == 0 {
		return nil
	}
	for _, f := range w.manifest().Files {
		if f.Path == path {
			return f.Runtime
		}
	}
	return nil
}

// runs reports whether the kernel has what a generation wants of it.
func (m *Machine) runs(w Want) bool {
	return w.Rules == 0 || m.run.show() == fmt.Sprintf("rule %d\n", w.Rules) && m.run.sysctls[forwarding] == strconv.Itoa(w.Rules)
}

// byHandCases are changes of what runs that no file tells of, and of what files
// say of it.
func byHandCases(c Code) []*Case {
	filtering := func(edition, rules int) Want {
		return with(generation(edition), func(w *Want) { w.Rules = rules })
	}
	past := []Want{filtering(1, 1)}
	same, other := filtering(2, 1), filtering(2, 2)
	refused, spoilt := one(same), other
	refused.No = true
	spoilt.Spoilt = "startfail"
	var out []*Case
	add := func(name string, s Start, past []Want, e Event, sides ...Side) {
		out = append(out, &Case{Name: fmt.Sprintf("%s+%s/%s", name, e, s), Start: s, History: past, Sides: sides, Event: e, Code: c, ByHand: true})
	}
	for _, s := range []Start{FromNetworkd, FromIfupdown} {
		for _, e := range []Event{NoEvent, Fail, Blind, ReadOnly, Full, KillActivate} {
			add("filter-mended", s, past, e, one(same))
			add("filter-refused", s, past, e, refused)
			add("filter-start-fails", s, past, e, one(spoilt))
		}
		add("filter-first", s, nil, NoEvent, one(filtering(1, 1)))
		add("filter-goes", s, past, NoEvent, one(generation(2)))
		add("filter-dies", s, past, NoEvent, dies(same))
		add("filter-back", s, []Want{filtering(1, 1), filtering(2, 2)}, NoEvent, one(with(filtering(2, 0), func(w *Want) { w.Again = 1 })))
	}
	return out
}

// words are what the kernel has, for who compares.
func (r *running) words() []string {
	return []string{"rules " + strings.Join(r.rules, ";"), "forwarding " + r.sysctls[forwarding]}
}

var _ helper.Kernel = (*Process)(nil)
