package helper

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// toRun are files of which something runs: rules, settings, parameters.
func toRun() (*works, *before) {
	w := newWorks()
	w.rules = "port 22\n"
	return w, &before{difference: difference{running: []server.File{
		{Path: "/etc/fw", Runtime: filter()}, {Path: "/etc/sshd", Runtime: listens()}, {Path: "/etc/sysctl", Runtime: forwards("1")},
	}}}
}

// What runs is taken down: parameters with the snapshot, what a program loads in
// a file of its own, which is tried before it is relied on.
func TestSnapshotRunning(t *testing.T) {
	file := runningOf(4, 0)
	keeps := shows + " | create " + file + " | flush " + file
	tries := " | apart fw load " + file + " fw show 10s"
	for _, tt := range []struct {
		name, broken string
		spoil        func(*works)
		did, says    string
	}{
		{name: "all", did: keeps + tries},
		{name: "no rules", spoil: func(w *works) { w.rules = "" }, did: keeps},
		{name: "no program", spoil: func(w *works) { w.gone = true }},
		{name: "a program that fails", broken: "fw show", did: shows, says: "look at what runs of /etc/fw: fw: " + itFailed},
		{name: "no look at parameters", broken: "sysctls", did: keeps + tries, says: "look at what runs of /etc/sysctl: input/output error"},
		{name: "no room", broken: "create", did: shows + " | create " + file, says: "keep what runs of /etc/fw: input/output error"},
		{name: "not flushed", broken: "flush", did: keeps, says: "keep what runs of /etc/fw: input/output error"},
		{name: "it cannot be loaded", broken: "apart", did: keeps + tries, says: "could not be put back, should the change be taken back: input/output error: port 22; "},
		{name: "it is loaded as something else", spoil: func(w *works) { w.apart = "port 23\n" }, did: keeps + tries, says: "be taken back: runs: port 23; missing: port 22; "},
	} {
		w, b := toRun()
		w.broken = tt.broken
		if tt.spoil != nil {
			tt.spoil(w)
		}
		err := w.helper().snapshotRunning(4, b)
		if did := strings.Join(w.did, " | "); did != tt.did || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, did\n%s\nwant\n%s", tt.name, err, did, tt.did)
		}
		if err != nil {
			continue
		}
		rules := *filter()
		if tt.name == "no program" {
			rules.Loads = nil // it has loaded nothing
		} else if got := w.files[file]; got != flushes+w.rules {
			t.Errorf("%s: kept is %q", tt.name, got)
		}
		want := []runningThen{{"/etc/fw", rules, map[string]string{}}, {"/etc/sshd", *listens(), map[string]string{}}, {"/etc/sysctl", *forwards("1"), map[string]string{"net/ipv4/ip_forward": "0"}}}
		if diff := cmp.Diff(want, b.Running); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The copies of what runs are on the disk before the snapshot says that it has
// them: names are flushed after the last of them.
func TestSnapshotFlushesWhatRuns(t *testing.T) {
	w, b := toRun()
	if _, err := w.helper().snapshot(4, b.difference); err != nil {
		t.Fatal(err)
	}
	made, names := slices.Index(w.did, "create "+runningOf(4, 0)), slices.Index(w.did, "flush "+dirOf(4)+"/then")
	if made < 0 || made > names {
		t.Errorf("flushed in another order: %q", w.did)
	}
}

// What ran comes back, what runs already is left, and what does not come back is
// said; nothing is put back of another boot.
func TestRunningBack(t *testing.T) {
	file := runningOf(4, 1)
	loads := shows + " | fw load " + file + " 1m0s | " + shows
	all := "set net/a 1 | set net/b 2 | " + loads
	for _, tt := range []struct {
		name, boot, broken string
		spoil              func(*works)
		did, says          string
	}{
		{name: "all", did: all},
		{name: "another boot", boot: "the boot before"},
		{name: "it runs", spoil: func(w *works) { w.sysctls["net/a"], w.sysctls["net/b"], w.rules = "1", "2", "old\n" }, did: shows},
		{name: "a parameter that has gone", spoil: func(w *works) { delete(w.sysctls, "net/a") }, did: "set net/b 2 | " + loads},
		{name: "no look at parameters", broken: "sysctls", did: loads, says: "put back what ran of /etc/sysctl: input/output error"},
		{name: "one that cannot be set", broken: "set net/a", did: "set net/a 1 | " + loads, says: "put back what ran of /etc/sysctl: input/output error"},
		{name: "no copy", broken: "read " + file, spoil: func(w *works) { w.rules = "" }, did: "set net/a 1 | set net/b 2", says: "put back what ran of /etc/fw: input/output error"},
		{name: "no look at the rules", broken: "fw show", did: "set net/a 1 | set net/b 2 | " + shows, says: "put back what ran of /etc/fw: fw: " + itFailed},
		{name: "the program fails", broken: "fw load", did: strings.TrimSuffix(all, " | "+shows), says: "put back what ran of /etc/fw: fw: " + itFailed},
		{name: "nothing comes of it", spoil: func(w *works) { w.deaf = true }, did: all, says: "put back what ran of /etc/fw: it is not the same: runs: new; missing: old"},
	} {
		w := newWorks()
		w.sysctls, w.rules, w.files[file], w.broken = map[string]string{"net/a": "0", "net/b": "0"}, "new\n", flushes+"old\n", tt.broken
		if tt.spoil != nil {
			tt.spoil(w)
		}
		b := before{Boot: "this boot", Running: []runningThen{{Path: "/etc/sysctl", Sysctls: map[string]string{"net/a": "1", "net/b": "2"}}, {Path: "/etc/fw", Runtime: *filter()}}}
		if tt.boot != "" {
			b.Boot = tt.boot
		}
		err := w.helper().runningBack(4, b)
		if did := strings.Join(w.did, " | "); did != tt.did || (err == nil) != (tt.says == "") || err != nil && err.Error() != tt.says {
			t.Errorf("%s: %v, did\n%s\nwant\n%s", tt.name, err, did, tt.did)
		}
	}
}
