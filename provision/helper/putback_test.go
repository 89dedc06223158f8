package helper

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

const limited = " 1m30s" // how long systemd may take

// on and off are units as systemd shows them.
func on() server.UnitFact { return server.UnitFact{Load: "loaded", Active: "active", File: "enabled"} }
func off() server.UnitFact {
	return server.UnitFact{Load: "loaded", Active: "inactive", File: "disabled"}
}

// A unit that is not as it was is waited for, said, and given what it lacks; one
// that a boot may have started may run, and one that is held may be anything.
func TestSeeUnits(t *testing.T) {
	halfOn := server.UnitFact{Active: "active", File: "disabled"}
	halfOff := server.UnitFact{Active: "failed", File: "enabled"}
	for _, tt := range []struct {
		name, did, says string
		was             unitThen
		is, soon        server.UnitFact // soon is after a second
		held            []string
	}{
		{name: "as it was", was: unitThen{Enabled: true, Active: true}, is: on(), soon: on()},
		{name: "it takes its time", was: unitThen{Enabled: true, Active: true}, is: halfOff, soon: on()},
		{name: "enabled no more", was: unitThen{Enabled: true, Active: true}, is: halfOn, soon: halfOn, did: "enable x.service" + limited, says: "x.service is active, disabled"},
		{name: "still enabled", was: unitThen{Active: true}, is: on(), soon: on(), did: "disable x.service" + limited, says: "x.service is active, enabled"},
		{name: "it does not run", was: unitThen{Enabled: true, Active: true}, is: halfOff, soon: halfOff, did: "start x.service" + limited, says: "x.service is failed, enabled"},
		{name: "it still runs", is: halfOn, soon: halfOn, did: "stop x.service" + limited, says: "x.service is active, disabled"},
		{name: "a boot has started it", was: unitThen{Enabled: true}, is: on(), soon: on()},
		{name: "neither runs nor did", is: off(), soon: off()},
		{name: "held, and stopped", was: unitThen{Enabled: true, Active: true}, is: halfOff, soon: halfOff, held: []string{"x.service"}},
		{name: "held, and enabled", is: on(), soon: on(), held: []string{"x.service"}, did: "disable x.service" + limited, says: "x.service is active, enabled"},
	} {
		tt.was.Name = "x.service"
		w := newWires()
		w.units["x.service"] = tt.is
		w.late, w.after = func(w *wires) { w.units["x.service"] = tt.soon }, naturally
		err := w.helper().seeUnits(before{Units: []unitThen{tt.was}}, tt.held)
		if did := strings.Join(w.did, " | "); did != tt.did || (err == nil) != (tt.says == "") || err != nil && err.Error() != tt.says {
			t.Errorf("%s: %v, did %q, want %q", tt.name, err, did, tt.did)
		}
		if w.now > networkLimit {
			t.Errorf("%s: it took %s", tt.name, w.now)
		}
	}
	w := newWires()
	w.broken = "units"
	if err := w.helper().seeUnits(before{Units: []unitThen{{Name: "x.service"}}}, nil); err == nil {
		t.Error("units cannot be seen, and nobody says so")
	}
}

// Each unit gets back the state that it had, in the order of the change; units
// that are held, and services that started with what stood before, are left.
func TestUnitsBack(t *testing.T) {
	const reread = "daemon-reload " + limited
	unit := func(verb, name string) action { return action{Action: server.Action{Verb: verb, Unit: name}} }
	run := func(argv ...string) action { return action{Action: server.Action{Run: argv}} }
	was := []unitThen{{Name: "dns.service", Active: true}, {Name: "bgp.service", Active: true}, {Name: "idle.service"}, {Name: networkdUnit}, {Name: "old.service", Active: true, Enabled: true}}
	b := before{Units: was}
	b.Disable = []string{"old.service", "idle.service"}
	b.Actions = []action{run("/prog/zones", "x"), run("/prog/gone"), run("gone"), unit(server.ActRestart, "dns.service"), unit(server.ActReload, "bgp.service"),
		unit(server.ActStart, "idle.service"), unit(server.ActReload, networkdUnit)}
	flush := " | flush " + unitsDir + "/multi-user.target.wants | flush " + unitsDir
	enable := " | enable old.service" + limited
	rest := " | /prog/zones x | gone | restart dns.service" + limited + " | reload bgp.service" + limited + " | stop idle.service" + limited +
		" | stop " + networkdSocket + limited + " | stop " + networkdUnit + limited
	for _, tt := range []struct {
		name, broken, did string
		started           string
		held              []string
		fails             bool
	}{
		{name: "all", did: reread + enable + flush + " | start old.service" + limited + rest},
		{name: "they started with it", started: "this boot", did: reread + enable + flush},
		{name: "they started in a boot before", started: "another boot", did: reread + enable + flush + " | start old.service" + limited + rest},
		{name: "one is held", held: []string{"dns.service"}, did: strings.Replace(reread+enable+flush+" | start old.service"+limited+rest, " | restart dns.service"+limited, "", 1)},
		{name: "systemd cannot read", broken: "daemon-reload", fails: true, did: reread + enable + flush + " | start old.service" + limited + rest},
		{name: "one does not start", broken: "restart dns", fails: true, did: reread + enable + flush + " | start old.service" + limited + rest},
		{name: "one does not stop", broken: "stop idle", did: reread + enable + flush + " | start old.service" + limited + rest},
		{name: "a command fails", broken: "/prog/zones", fails: true, did: reread + enable + flush + " | start old.service" + limited + rest},
	} {
		w := newWires()
		w.files[unitsDir+"/multi-user.target.wants/ssh.service"], w.files["/prog/zones"] = "-> /x", "#!"
		w.broken = tt.broken
		err := w.helper().unitsBack(&record{Started: tt.started}, b, tt.held)
		if did := strings.Join(w.did, " | "); did != tt.did || (err != nil) != tt.fails {
			t.Errorf("%s: %v, did\n%s\nwant\n%s", tt.name, err, did, tt.did)
		}
	}
}

// What was not enabled is disabled, by hand where systemd cannot, and its links
// are flushed before its file goes.
func TestUnlinkNew(t *testing.T) {
	const dir = unitsDir + "/multi-user.target.wants"
	link := " | remove " + dir + "/x.service"
	flush := " | flush " + dir + " | flush " + unitsDir
	for _, tt := range []struct {
		name, broken, did string
		was, known        bool
		is                server.UnitFact
	}{
		{name: "it was enabled", was: true, is: on(), did: flush},
		{name: "it is not", is: off(), did: flush},
		{name: "it is enabled", is: on(), did: " | disable x.service" + limited + flush},
		{name: "systemd cannot", is: on(), broken: "disable", did: " | disable x.service" + limited + link + flush},
		{name: "its file has gone", is: server.UnitFact{}, did: link + flush},
	} {
		w := newWires()
		w.files[dir+"/x.service"], w.files[dir+"/ssh.service"] = "-> /x", "-> /x"
		w.files[unitsDir+"/x.service.d/x.service"] = "no link of a target"
		w.units["x.service"], w.broken = tt.is, tt.broken
		w.helper().unlinkNew(before{Units: []unitThen{{Name: "x.service", Enabled: tt.was}}})
		if did := strings.Join(w.did, " | "); did != strings.TrimPrefix(tt.did, " | ") {
			t.Errorf("%s: did\n%s\nwant\n%s", tt.name, did, tt.did)
		}
	}
}

// Without what was taken down there is nothing to go back to: a snapshot that is
// damaged, cut or not there is no empty one, of which all would be back.
func TestPutBackNeedsItsSnapshot(t *testing.T) {
	text, err := json.Marshal(before{Boot: "this boot", Units: []unitThen{{Name: "x.service", Enabled: true, Active: true}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*wires){
		"not there":  func(w *wires) { delete(w.files, beforeOf(3)) },
		"unreadable": func(w *wires) { w.broken = "read " + beforeOf(3) },
		"cut":        func(w *wires) { w.files[beforeOf(3)] = string(text[:len(text)/2]) },
		"empty":      func(w *wires) { w.files[beforeOf(3)] = "" },
		"garbage":    func(w *wires) { w.files[beforeOf(3)] = "\x00\x01" },
	} {
		for state, r := range map[string]*record{"timer": {Placing: true}, "nothing was placed": {}} {
			w := newWires()
			w.units["x.service"] = on()
			w.files[beforeOf(3)] = string(text)
			r.Number = 3
			if _, err := w.helper().putBack(r); err != nil {
				t.Fatalf("%s: whole: %v", state, err)
			}
			spoil(w)
			if _, err := w.helper().putBack(r); err == nil {
				t.Errorf("%s, %s: all is said to be back", name, state)
			}
		}
		w := newWires()
		w.files[beforeOf(3)] = string(text)
		spoil(w)
		r := &record{Placing: true}
		r.Number = 3
		if err := w.helper().bootBack(r); err == nil || r.Started != "" {
			t.Errorf("%s: a boot says that services start with what stood: %v %q", name, err, r.Started)
		}
	}
}

// What was put back is not done again: each unit is acted on once, with the
// files of before, and the network of another boot is left alone.
func TestPutBackGoesOn(t *testing.T) {
	const unit = "restart x.service" + limited
	for _, tt := range []struct {
		name   string
		r      record
		boot   string // of the snapshot
		broken string
		acts   int
		back   bool // the network too
		fails  bool
	}{
		{name: "the first try", boot: "this boot", acts: 1, back: true},
		{name: "files are back", r: record{FilesBack: true}, boot: "this boot", acts: 1, back: true},
		{name: "units were acted on with other files", r: record{UnitsBack: true}, boot: "this boot", acts: 1, back: true},
		{name: "both are", r: record{FilesBack: true, UnitsBack: true}, boot: "this boot", back: true},
		{name: "another boot", r: record{Started: "this boot"}, boot: "the boot before"},
		{name: "another boot, which could not", boot: "the boot before", acts: 1, back: true},
		{name: "a boot after one that could", r: record{Started: "the boot before"}, boot: "the boot before that", acts: 1, back: true},
		{name: "it does not start", boot: "this boot", broken: "restart", acts: 1, back: true, fails: true},
		{name: "it has not for three times", r: record{FilesBack: true, Status: server.Status{Tries: unitTries}}, boot: "this boot", broken: "restart", acts: 1, back: true},
	} {
		w := newWires()
		w.units["x.service"], w.broken = on(), tt.broken
		w.net = server.Network{Links: []server.LinkFact{{Index: 2, Name: "eno1"}}}
		b := before{Boot: tt.boot, Units: []unitThen{{Name: "x.service", Enabled: true, Active: true}},
			Network: server.Network{Links: []server.LinkFact{{Index: 2, Name: "eno1", Addresses: []server.AddressFact{{Address: "192.0.2.30/28"}}}}}}
		b.Actions = []action{{Action: server.Action{Verb: server.ActRestart, Unit: "x.service"}}}
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		w.files[beforeOf(3)] = string(text)
		tt.r.Number, tt.r.Placing = 3, true
		_, err = w.helper().putBack(&tt.r)
		did := strings.Join(w.did, "\n")
		if n := strings.Count(did, unit); n != tt.acts || strings.Contains(did, "add 192.0.2.30/28") != tt.back || (err != nil) != tt.fails {
			t.Errorf("%s: %v, acted %d times, did\n%s", tt.name, err, n, did)
		}
		if tt.r.UnitsBack == tt.fails || !tt.r.FilesBack {
			t.Errorf("%s: left as %+v", tt.name, tt.r)
		}
		var kept record
		if text, err := w.Read(recordOf(3)); err == nil {
			if err := json.Unmarshal(text, &kept); err != nil || kept.UnitsBack != tt.r.UnitsBack || !kept.FilesBack {
				t.Errorf("%s: written down is %s, %v", tt.name, text, err)
			}
		}
	}
}

// A note of one boot that a unit has made anew while it was put back is put back
// once more; of what it held in another boot nothing is known.
func TestPassingFilesAreSeenLast(t *testing.T) {
	const note = "/run/v"
	was := then{Path: note, Kind: server.IsFile, Mode: 0o644, Owner: "root", Group: "root", Sum: sumOf([]byte("old")), New: "/run/.new", Old: "/run/.old"}
	none := then{Path: note, Kind: server.IsAbsent, New: "/run/.new", Old: "/run/.old"}
	for _, tt := range []struct {
		boot, left string
		was        then
	}{{"this boot", "", none}, {"this boot", "old", was}, {"the boot before", "", none}, {"the boot before", "made by its start", was}} {
		w := newWires()
		w.units["x.service"] = on()
		b := before{Boot: tt.boot, Units: []unitThen{{Name: "x.service", Enabled: true, Active: true}}, Passing: []then{tt.was}}
		b.Actions = []action{{Action: server.Action{Verb: server.ActRestart, Unit: "x.service"}}}
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		w.files[beforeOf(3)], w.files[bytesThen(3, 0)] = string(text), "old"
		w.acted = func(line string) {
			if strings.HasPrefix(line, "restart x.service") {
				w.files[note] = "made by its start"
			}
		}
		r := record{Placing: true}
		r.Number = 3
		if _, err := w.helper().putBack(&r); err != nil || w.files[note] != tt.left {
			t.Errorf("%s, %s: %v, %q is left, want %q", tt.boot, tt.was.Kind, err, w.files[note], tt.left)
		}
	}
}
