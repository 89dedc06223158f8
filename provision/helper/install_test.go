package helper

import (
	"maps"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// newWires is a server with one file of somebody else's.
func newWires() *wires {
	return &wires{files: map[string]string{unitsDir + "/theirs.service": "[Service]\n"}, units: map[string]server.UnitFact{}}
}

// installed are the units of the way back on a server, and what was done for them.
func installed(w *wires) (did string, err error) {
	w.files[Name] = "-> /prog/raiz-helper"
	h := New(w, Options{Program: "/prog/raiz-helper"})
	w.did = nil
	err = h.installUnits(server.Manifest{Units: []server.Unit{{Name: "dns.service"}, {Name: networkdUnit}, {Name: "nftables.service"}}})
	return strings.Join(w.did, " | "), err
}

// The units of the way back are written whole and flushed before they have their
// names, and systemd has read them before anything is armed; what is so already
// is left alone.
func TestInstallUnits(t *testing.T) {
	const reread = " | daemon-reload  1m30s"
	const enable = " | enable " + BootUnit + " 1m30s | flush " + unitsDir + "/sysinit.target.wants | flush " + unitsDir
	writes := func(unit string) string {
		fresh := unitsDir + "/." + unit + ".raiz"
		return "create " + fresh + " | flush " + fresh + " | rename " + unitsDir + "/" + unit + " | flush " + unitsDir
	}
	whole := newWires()
	all := writes(ActivateUnit) + " | " + writes(RevertUnit) + " | " + writes(BootUnit) + reread + enable
	if did, err := installed(whole); err != nil || did != all {
		t.Errorf("%v, did\n%s\nwant\n%s", err, did, all)
	}
	whole.units[BootUnit] = server.UnitFact{File: "enabled"}
	on := func(spoil func(*wires)) *wires {
		w := &wires{files: maps.Clone(whole.files), units: maps.Clone(whole.units)}
		spoil(w)
		return w
	}
	put := func(file, text string) func(*wires) { return func(w *wires) { w.files[file] = text } }
	for _, tt := range []struct {
		name  string
		spoil func(*wires)
		did   string
		says  string // where it cannot
	}{
		{"as they are", func(*wires) {}, "", ""},
		{"of another helper", put(unitsDir+"/"+RevertUnit, "[Service]\nExecStart=/old\n"), writes(RevertUnit) + reread, ""},
		{"a link to another", put(unitsDir+"/"+RevertUnit, "-> /dev/null"), writes(RevertUnit) + reread, ""},
		{"half written", put(unitsDir+"/."+RevertUnit+".raiz", "[Serv"), "", ""},
		{"half written, and another", func(w *wires) {
			put(unitsDir+"/."+RevertUnit+".raiz", "[Serv")(w)
			put(unitsDir+"/"+RevertUnit, "")(w)
		}, "remove " + unitsDir + "/." + RevertUnit + ".raiz | " + writes(RevertUnit) + reread, ""},
		{"not enabled", func(w *wires) { w.units = nil }, strings.TrimPrefix(enable, " | "), ""},
		{"a drop-in", put("/run/systemd/system/"+RevertUnit+".d/x.conf", ""), "", "changes raiz-revert.service"},
		{"one of the timer", put("/etc/systemd/system/raiz-revert.timer.d/x.conf", ""), "", "changes raiz-revert.timer"},
		{"one of all of raiz", put("/usr/lib/systemd/system/raiz-.service.d/x.conf", ""), "", "changes raiz-activate.service"},
		{"what is no drop-in", put("/run/systemd/system/"+RevertUnit+".d/README", ""), "", ""},
	} {
		did, err := installed(on(tt.spoil))
		if did != tt.did || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, did\n%s\nwant\n%s", tt.name, err, did, tt.did)
		}
	}
	for _, broken := range []string{"look at " + unitsDir + "/" + RevertUnit, "list /run/systemd/system/" + BootUnit + ".d", "list " + unitsDir + "/raiz-revert.timer.d",
		"create " + unitsDir, "flush " + unitsDir + "/.raiz", "rename " + unitsDir, "flush " + unitsDir, "daemon-reload", "units", "enable", "flush " + unitsDir + "/sysinit"} {
		w := newWires()
		w.files[unitsDir+"/"+RevertUnit] = ""
		w.broken = broken
		if did, err := installed(w); err == nil {
			t.Errorf("%s fails, and nobody says so: %s", broken, did)
		}
	}
	w := on(put(unitsDir+"/."+RevertUnit+".raiz", ""))
	w.files[unitsDir+"/"+RevertUnit], w.broken = "", "remove"
	if did, err := installed(w); err == nil {
		t.Errorf("what is in the way does not go, and nobody says so: %s", did)
	}
}

// What a boot may have to put back starts after the unit of the boot, each named
// once: nftables.service waits for nothing else (DefaultDependencies=no).
func TestBootUnitComesFirst(t *testing.T) {
	w := newWires()
	if _, err := installed(w); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(w.files[unitsDir+"/"+BootUnit], "\nBefore=")
	line, _, _ := strings.Cut(rest, "\n")
	named := map[string]int{}
	for _, unit := range strings.Fields(line) {
		named[unit]++
	}
	for _, unit := range []string{"network-pre.target", "sysinit.target", networkdUnit, ifupdownUnit, nmUnit, "nftables.service", "dns.service"} {
		if named[unit] != 1 {
			t.Errorf("Before= names %s %d times: %s", unit, named[unit], line)
		}
	}
}
