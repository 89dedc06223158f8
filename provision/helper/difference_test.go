package helper

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

func plain(path, text string, effect *server.Action) server.File {
	return server.File{Path: path, Mode: 0o644, Owner: "root", Group: "root", Data: []byte(text), Sum: sumOf([]byte(text)), Effect: effect}
}

func acts(order int, verb, unit string) *server.Action {
	return &server.Action{Order: order, Verb: verb, Unit: unit}
}

// told is a difference in words: what changes, by the unit that reads it; what
// is disabled and enabled; what is done.
func (d difference) told() string {
	var out []string
	for _, c := range d.Changes {
		out = append(out, fmt.Sprintf("%s %s of %q", c.Kind, c.Path, c.Unit))
	}
	for _, u := range d.Disable {
		out = append(out, "disable "+u)
	}
	for _, u := range d.Enable {
		out = append(out, "enable "+u)
	}
	for _, a := range d.Actions {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", a.Order, a.Verb, a.Unit, strings.Join(a.Run, " "))))
	}
	return strings.Join(out, "\n")
}

// What is done is found by what stands: files that differ, what goes, each unit
// once by its strongest verb, a command after the unit of its order.
func TestLook(t *testing.T) {
	const dns, bgp, guard = "dns.service", "bgp.service", "/etc/systemd/system/guard.service"
	files := []server.File{
		plain("/etc/a", "a", acts(2, server.ActReload, dns)), plain("/etc/b", "b", acts(3, server.ActRestart, dns)),
		plain("/etc/c", "c", acts(5, server.ActReload, dns)), plain("/etc/d", "d", &server.Action{Order: 2, Run: []string{"zones"}, Gap: true}),
		plain("/etc/e", "e", acts(5, server.ActRestart, bgp)), plain("/etc/f", "f", nil),
		plain(guard, "[Service]", nil),
	}
	m := server.Manifest{
		Files: files[:6], Deletes: []string{"/etc/g", "/etc/h", "/etc/i", guard, "/etc/systemd/system/gone.service"},
		Units: []server.Unit{{Name: dns, Enabled: true, Active: true, Order: 2}, {Name: "new.service", Enabled: true, Active: true, Order: 7},
			{Name: "static.service", Enabled: true}, {Name: "alias.service", Enabled: true}, {Name: "idle.service"}},
	}
	was := server.Manifest{
		Files: []server.File{plain("/etc/g", "g", acts(4, server.ActReload, bgp)), plain("/etc/h", "h", acts(8, server.ActRestart, "other.service")), files[6]},
		Units: []server.Unit{{Name: dns}, {Name: "gone.service"}, {Name: "asleep.service"}},
	}
	r := &rig{files: map[string]string{"/etc/c": "c", "/etc/g": "g", "/etc/h": "h", guard: "x"}, units: runningUnits(dns, "gone.service", "guard.service")}
	r.units["static.service"], r.units["alias.service"] = server.UnitFact{File: "static"}, server.UnitFact{File: "alias"}
	d, err := r.helper().look(m, was)
	want := `write /etc/a of "dns.service"
write /etc/b of "dns.service"
write /etc/d of ""
write /etc/e of "bgp.service"
write /etc/f of ""
remove /etc/g of "bgp.service"
remove /etc/h of "other.service"
remove /etc/systemd/system/guard.service of "guard.service"
disable gone.service
disable guard.service
enable new.service
2 restart dns.service
2   zones
4 restart bgp.service
7 start new.service`
	if err != nil || d.told() != want || !d.gap {
		t.Errorf("%v, gap %t:\n%s\nwant:\n%s", err, d.gap, d.told(), want)
	}
	if want := []string{"alias.service", "asleep.service", bgp, dns, "gone.service", "guard.service", "idle.service", "new.service", "static.service"}; !slices.Equal(d.units, want) {
		t.Errorf("units are %q, want %q", d.units, want)
	}
	for _, broken := range []string{"look at /etc/a", "look at /etc/g", "network", "units"} {
		r.broken = broken
		if _, err := r.helper().look(m, was); err == nil {
			t.Errorf("%s is broken, and no error", broken)
		}
	}
	r.broken = ""
	for _, f := range m.Files {
		r.files[f.Path] = string(f.Data)
	}
	r.files, r.units["new.service"] = map[string]string{"/etc/c": "c"}, runningUnits("x")["x"]
	d, err = r.helper().look(server.Manifest{Files: files[2:3], Units: m.Units, Deletes: []string{"/etc/i"}}, server.Manifest{})
	if err != nil || d.told() != "" || d.gap {
		t.Errorf("where all is as wanted: %v\n%s", err, d.told())
	}
}

// A file that stands as it has to, and does not run, is put in effect; what runs
// of a file that goes is taken down with what runs of those that stay.
func TestLookAtWhatRuns(t *testing.T) {
	file := func(p, value string) server.File {
		f := plain(p, "x", acts(1, server.ActRestart, p[len("/etc/"):]))
		f.Runtime = forwards(value)
		return f
	}
	in, out, old := file("/etc/in", "0"), file("/etc/out", "1"), file("/etc/old", "1")
	w := newWorks()
	for _, f := range []server.File{in, out, old} {
		w.files[f.Path] = "x"
	}
	d, err := w.helper().look(server.Manifest{Files: []server.File{in, out}, Deletes: []string{"/etc/old"}}, server.Manifest{Files: []server.File{old}})
	if want := "remove /etc/old of \"old\"\n1 restart out"; err != nil || d.told() != want {
		t.Errorf("%v:\n%s\nwant:\n%s", err, d.told(), want)
	}
	var running []string
	for _, f := range d.running {
		running = append(running, f.Path)
	}
	if want := []string{"/etc/in", "/etc/out", "/etc/old"}; !slices.Equal(running, want) {
		t.Errorf("what runs of %q is taken down, want %q", running, want)
	}
	// What was reviewed says so, and nothing more of a file that is in effect.
	for f, otherwise := range map[*server.File]bool{&in: false, &out: true} {
		fact := w.helper().probeFile(server.FileQuestion{Path: f.Path, Sum: f.Sum, Runtime: f.Runtime}, nil)
		if strings.Contains(fact.Standing, runsOther) != otherwise || len(fact.Amiss) > 0 != otherwise {
			t.Errorf("%s stands as %q, %q", f.Path, fact.Standing, fact.Amiss)
		}
	}
}

// A link that lacks something is told to networkd after its unit, unless networkd
// reads its files anew in any case; who takes a link over is told of it.
func TestLookAtUnitsOfLinks(t *testing.T) {
	m := server.Manifest{Files: []server.File{plain("/etc/x", "x", acts(1, server.ActReload, networkdUnit))}, Units: []server.Unit{{Name: "a.service", Order: 9}}}
	r := &rig{units: runningUnits(networkdUnit)}
	for _, tt := range []struct {
		name, want string
		effects    []server.Action
		owners     map[string]owner
		units      int
	}{
		{"it lacks something", "1   networkctl reconfigure eno1", nil, nil, 1},
		{"it is read anew", "1 reload " + networkdUnit, []server.Action{*m.Files[0].Effect}, nil, 2},
		{"it is taken over", "1 reload " + networkdUnit + "\n1   networkctl reconfigure eno1", nil, map[string]owner{"eno2": {Manager: server.Ifupdown}}, 4},
	} {
		d := difference{reconfigure: []string{"eno1"}, Owners: tt.owners}
		if err := r.helper().lookAtUnits(&d, m, tt.effects, nil); err != nil || d.told() != tt.want || len(d.units) != tt.units {
			t.Errorf("%s: %v, units %q:\n%s\nwant:\n%s", tt.name, err, d.units, d.told(), tt.want)
		}
	}
	m.Units = append(m.Units, server.Unit{Name: networkdUnit, Order: 3})
	if got := orderOf(m, networkdUnit); got != 3 {
		t.Errorf("a unit of the manifest has order %d", got)
	}
	if got := orderOf(m, "b.service"); got != 0 {
		t.Errorf("of nobody's unit the order is %d", got)
	}
}
