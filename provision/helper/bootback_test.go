package helper

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// changed is a server with a generation that is active: /etc/x was "old", its
// unit goes for another one, and the machine has a name of its own.
func changed(t *testing.T, spoil func(*record, *before)) *wires {
	t.Helper()
	w := newWires()
	w.now = time.Minute
	w.files["/etc/x"], w.files["/etc/.raiz-3-0.old"] = "new", "old"
	w.units["new.service"], w.units["dns.service"] = on(), off()
	b := before{Boot: "the boot before", Units: []unitThen{{Name: "dns.service", Enabled: true, Active: true}, {Name: "new.service"}, {Name: "alias.service", Active: true}},
		Files: []then{{Path: "/etc/x", Kind: server.IsFile, Mode: 0o644, Owner: "root", Group: "root", Sum: sumOf([]byte("old")), New: "/etc/.raiz-3-0.new", Old: "/etc/.raiz-3-0.old"}}}
	b.Actions = []action{{Action: server.Action{Run: []string{"hostname", "old"}}}, {Action: server.Action{Run: []string{"zones"}}}, {Action: server.Action{Verb: server.ActRestart, Unit: "dns.service"}}}
	r := record{Boot: "the boot before", Deadline: 3 * time.Minute, Placing: true}
	r.Number, r.State = 3, server.Active
	if spoil != nil {
		spoil(&r, &b)
	}
	for file, v := range map[string]any{recordOf(3): r, beforeOf(3): b} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		w.files[file] = string(text)
	}
	w.files[pendingFile] = "3\n"
	return w
}

// matter are those of what was done that are no matter of raiz's own files.
func (w *wires) matter() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(w.did), func(line string) bool {
		return strings.Contains(line, path.Dir(state.Home)) || strings.Contains(line, "T00:00:00Z")
	}), " | ")
}

// A boot puts back files, then links, and only asks for the rest: systemd waits
// for it. Where files are not back nothing is started that would read them.
func TestBoot(t *testing.T) {
	const (
		soon         = "start-soon " + RevertUnit + limited
		locked, ends = " | lock", " | unlock"
		gone         = " | disable new.service" + limited + " | flush " + unitsDir
		files        = " | rename /etc/x | flush /etc"
		links        = " | enable dns.service" + limited
		reread       = " | daemon-reload " + limited
		units        = " | start-soon dns.service" + limited + " | stop-soon new.service" + limited + " | hostname old"
	)
	for _, tt := range []struct {
		name   string
		spoil  func(*record, *before)
		broken string
		did    string
		fails  bool
		left   record // of what it writes down
	}{
		{name: "the power was lost", did: soon + locked + gone + files + links + reread + units + ends, left: record{FilesBack: true, Started: "this boot"}},
		{name: "before anything was placed", spoil: func(r *record, _ *before) { r.Placing = false }, did: soon + locked + ends},
		{name: "after it had ended", spoil: func(r *record, _ *before) { r.State = server.Confirmed }, did: soon + locked + ends},
		{name: "within a boot", spoil: func(r *record, _ *before) { r.Boot = "this boot" }, did: "arm 2m0s"},
		{name: "within a boot, over its time", spoil: func(r *record, _ *before) { r.Boot, r.Deadline = "this boot", time.Second }, did: "arm 200ms"},
		{name: "within a boot that ended it", spoil: func(r *record, _ *before) { r.Boot, r.State = "this boot", server.Reverted }, did: soon + locked + ends},
		{name: "within a boot, and it cannot be seen", spoil: func(r *record, _ *before) { r.Boot = "this boot" }, broken: "is armed", fails: true},
		{name: "somebody is at work", broken: "lock", did: soon + locked, fails: true},
		{name: "the snapshot cannot be read", broken: "read " + beforeOf(3), did: soon + locked + ends, fails: true},
		{name: "files do not come back", broken: "rename /etc/x", did: soon + locked + gone + files + ends, fails: true},
		{name: "a user's file does not come back", spoil: func(_ *record, b *before) { b.Files[0].Exposed = true }, broken: "rename /etc/x",
			did: soon + locked + gone + files + links + reread + units + ends},
		{name: "that cannot be written down", broken: "create " + recordOf(3), did: soon + locked + gone + files + links + reread + units + ends},
		{name: "systemd cannot read", broken: "daemon-reload", did: soon + locked + gone + files + links + reread + ends, fails: true, left: record{FilesBack: true, Started: "this boot"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := changed(t, tt.spoil)
			w.broken = tt.broken
			err := w.helper().Boot()
			if did := w.matter(); did != tt.did || (err != nil) != tt.fails {
				t.Errorf("%v, did\n%s\nwant\n%s", err, did, tt.did)
			}
			var r record
			if err := json.Unmarshal([]byte(w.files[recordOf(3)]), &r); err != nil || r.FilesBack != tt.left.FilesBack || r.Started != tt.left.Started {
				t.Errorf("written down is %s, %v", w.files[recordOf(3)], err)
			}
		})
	}
	for name, spoil := range map[string]func(*wires){
		"nothing is pending": func(w *wires) { delete(w.files, pendingFile) },
		"it is armed": func(w *wires) {
			*w = *changed(t, func(r *record, _ *before) { r.Boot = "this boot" })
			w.armed = true
		},
	} {
		w := changed(t, nil)
		spoil(w)
		if err := w.helper().Boot(); err != nil || w.matter() != "" {
			t.Errorf("%s: %v, did %s", name, err, w.matter())
		}
	}
}

// A service that a boot has started with a file which its own user kept from
// coming back is told anew once the file is there.
func TestBootWithAUsersFile(t *testing.T) {
	w := changed(t, func(_ *record, b *before) {
		b.Files[0].Exposed, b.Units = true, b.Units[:1]
		b.Changes, b.Actions = []change{{Path: "/etc/x", Unit: "dns.service"}}, b.Actions[2:]
	})
	w.broken = "rename /etc/x"
	if err := w.helper().Boot(); err != nil {
		t.Fatal(err)
	}
	w.units["dns.service"] = on() // systemd has started it
	if err := w.helper().RevertPending(); err == nil || strings.Contains(w.matter(), "restart dns.service") {
		t.Fatalf("while the file is not back: %v, did %s", err, w.matter())
	}
	w.broken = ""
	if err := w.helper().RevertPending(); err != nil || w.files["/etc/x"] != "old" {
		t.Fatalf("%v, %q", err, w.files["/etc/x"])
	}
	if !strings.Contains(w.matter(), "restart dns.service") {
		t.Errorf("it goes on with what nobody has confirmed: %s", w.matter())
	}
}
