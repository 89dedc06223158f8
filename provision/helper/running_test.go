package helper

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// works is a server with parameters of the kernel, and with a filter that a
// program shows and loads. Each program has its limit written down with it.
type works struct {
	*wires
	sysctls map[string]string
	rules   string
	apart   string // what a file makes apart, where that is not what it says
	gone    bool   // the program is not there
	deaf    bool   // the program loads, and nothing comes of it
}

const flushes = "flush\n"

func newWorks() *works {
	return &works{wires: newWires(), sysctls: map[string]string{"net/ipv4/ip_forward": "0", "net/ipv4/conf/eth0.5/rp_filter": "1", "net/ipv4/conf/lo/rp_filter": "0"}}
}

func (w *works) helper() *Helper { return New(w, Options{}) }

func (w *works) Run(argv []string, limit time.Duration) (string, error) {
	if w.gone {
		return "", fs.ErrNotExist
	}
	// What a program does it may have done before it fails.
	if argv[1] == "load" && !w.deaf {
		w.rules = strings.TrimPrefix(w.files[argv[2]], flushes)
	}
	if err := w.does(append(argv, limit.String())...); err != nil {
		return "its last words\n", err
	}
	if argv[1] == "show" {
		return w.rules, nil
	}
	return "", nil
}

func (w *works) Apart(commands [][]string, limit time.Duration) (string, error) {
	made := w.apart
	if made == "" {
		made = strings.TrimPrefix(w.files[commands[0][2]], flushes)
	}
	if err := w.does("apart", strings.Join(commands[0], " "), strings.Join(commands[1], " "), limit.String()); err != nil {
		return made, err
	}
	return made, nil
}

func (w *works) Sysctls(name string) (map[string]string, error) {
	if w.broken == "sysctls" {
		return nil, syscall.EIO
	}
	out := map[string]string{}
	for have, value := range w.sysctls {
		if ok, _ := path.Match(name, have); ok {
			out[have] = value
		}
	}
	return out, nil
}

func (w *works) SetSysctl(name, value string) error {
	if err := w.does("set", name, value); err != nil {
		return err
	}
	w.sysctls[name] = value
	return nil
}

// filter is what is to be in effect of a file of rules, listens of one that a
// program shows by names and values, forwards of one of parameters.
func filter() *state.Runtime {
	return &state.Runtime{Shows: []string{"fw", "show"}, Loads: []string{"fw", "load", "{}"}, Clears: flushes}
}

func listens() *state.Runtime {
	return &state.Runtime{Shows: []string{"fw", "show"}, Settings: map[string]string{"port": "22"}}
}

func forwards(value string) *state.Runtime {
	return &state.Runtime{Sysctls: []state.Sysctl{{Name: "net/ipv4/ip_forward", Value: value}}}
}

const (
	shows    = "fw show 10s"
	apart    = "apart fw load /etc/fw fw show 10s"
	itFailed = "input/output error: its last words"
)

// What is not in effect is told, and what cannot be seen is an error: it is
// never taken for what is as it has to be.
func TestAmiss(t *testing.T) {
	named := func(name, value string, optional bool) *state.Runtime {
		return &state.Runtime{Sysctls: []state.Sysctl{{Name: name, Value: value, Optional: optional}}}
	}
	for _, tt := range []struct {
		name, broken string
		r            *state.Runtime
		spoil        func(*works)
		did, says    string
		fails        string
	}{
		{name: "a parameter", r: forwards("0")},
		{name: "another value", r: forwards("1"), says: "net.ipv4.ip_forward is 0, not 1"},
		{name: "a link with a dot", r: named("net/ipv4/conf/*/rp_filter", "0", false), says: "net/ipv4/conf/eth0.5/rp_filter is 1, not 0"},
		{name: "no such parameter", r: named("net/ipv9/forward", "0", false), says: "there is no net.ipv9.forward"},
		{name: "none, which need not be", r: named("net/ipv9/forward", "0", true)},
		{name: "none of any name", r: named("net/ipv9/conf/*/forward", "0", false)},
		{name: "no look at parameters", r: forwards("1"), broken: "sysctls", fails: "input/output error"},
		{name: "settings", r: listens(), did: shows},
		{name: "another setting", r: listens(), spoil: func(w *works) { w.rules = "port 23\n" }, did: shows, says: "port is 23, not 22"},
		{name: "no program", r: listens(), spoil: func(w *works) { w.gone = true }, says: "there is no fw on this server"},
		{name: "a program that fails", r: listens(), broken: "fw show", did: shows, fails: "fw: " + itFailed},
		{name: "a program without an end", r: listens(), spoil: func(w *works) { w.rules += strings.Repeat("x", server.MaxPrinted) }, did: shows, fails: "fw shows more than 262144 bytes"},
		{name: "as a file makes it", r: filter(), did: shows + " | " + apart},
		{name: "otherwise", r: filter(), spoil: func(w *works) { w.rules += "evil\n" }, did: shows + " | " + apart, says: "runs: evil"},
		{name: "what it makes cannot be seen", r: filter(), broken: "apart", did: shows + " | " + apart, fails: "find out what /etc/fw makes: input/output error: port 22"},
	} {
		w := newWorks()
		w.files["/etc/fw"], w.rules, w.broken = flushes+"port 22\n", "port 22\n", tt.broken
		if tt.spoil != nil {
			tt.spoil(w)
		}
		lines, err := w.helper().amiss("/etc/fw", tt.r)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if says, did := strings.Join(lines, "; "), strings.Join(w.did, " | "); says != tt.says || said != tt.fails || did != tt.did {
			t.Errorf("%s: says %q, %q, did %q, want %q, %q, %q", tt.name, says, said, did, tt.says, tt.fails, tt.did)
		}
	}
}

// What cannot be seen is neither in effect nor otherwise: a plan tells it, and
// neither an activation nor a confirmation takes it for good.
func TestWhatRunsCannotBeSeen(t *testing.T) {
	w := newWorks()
	h, f := w.helper(), server.File{Path: "/etc/sysctl.d/x.conf", Runtime: forwards("0")}
	m := server.Manifest{Files: []server.File{{Path: "/etc/other"}, f}}
	see := func(amiss, unseen string, fails bool) {
		t.Helper()
		lines, why := h.probeRunning(f.Path, f.Runtime)
		if got := strings.Join(lines, "; "); got != amiss || why != unseen {
			t.Errorf("told is %q, %q, want %q, %q", got, why, amiss, unseen)
		}
		if word := runsWord(lines, why); (word == "") != (amiss+unseen == "") {
			t.Errorf("of %q, %q the word is %q", lines, why, word)
		}
		if got, want := h.runsOtherwise(f), amiss+unseen != ""; got != want {
			t.Errorf("it runs otherwise: %t, want %t", got, want)
		}
		if _, err := h.unlikeRunning(m); (err != nil) != fails {
			t.Errorf("of all files: %v", err)
		}
		if err := h.seeRunning(m); (err != nil) != (amiss+unseen != "") {
			t.Errorf("seen is %v", err)
		}
	}
	see("", "", false)
	w.sysctls["net/ipv4/ip_forward"] = "1"
	see("net.ipv4.ip_forward is 1, not 0", "", false)
	w.broken = "sysctls"
	see("", "input/output error", true)
	if h.runsOtherwise(m.Files[0]) {
		t.Error("a file of which nothing runs runs otherwise")
	}
}

func TestSettingsAmiss(t *testing.T) {
	const shown = "port 22\npasswordauthentication yes\nhostkey /a\nhostkey /b\nx11forwarding\n"
	for _, tt := range []struct {
		name string
		want map[string]string
		says []string
	}{
		{"as wanted", map[string]string{"port": "22", "hostkey": "/a, /b", "x11forwarding": ""}, nil},
		{"another value", map[string]string{"passwordauthentication": "no"}, []string{"passwordauthentication is yes, not no"}},
		{"one more", map[string]string{"hostkey": "/a"}, []string{"hostkey is /a, /b, not /a"}},
		{"not there", map[string]string{"permittunnel": "no"}, []string{"permittunnel is not set, and has to be no"}},
		{"a longer name", map[string]string{"hostke": "/a"}, []string{"hostke is not set, and has to be /a"}},
	} {
		if diff := cmp.Diff(tt.says, settingsAmiss(shown, tt.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestUnlikeLines(t *testing.T) {
	for _, tt := range []struct {
		name, have, want string
		says             []string
	}{
		{"the same", "a\n\tb\n", "a\n\tb\n", nil},
		{"none", "", "a\nb\n", []string{"missing: a", "missing: b"}},
		{"one more", "a\nevil\nb\n", "a\nb\n", []string{"runs: evil"}},
		{"twice", "a\na\n", "a\n", []string{"runs: a"}},
		{"once", "a\n", "a\na\n", []string{"missing: a"}},
		{"another", "a\nc\n", "a\nb\n", []string{"runs: c", "missing: b"}},
		{"another order", "b\na\n", "a\nb\n", []string{"its lines run in another order"}},
	} {
		if diff := cmp.Diff(tt.says, unlikeLines(tt.have, tt.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := bounded(unlikeLines(strings.Repeat("x\x1b[2J\n", 100), "")); len(got) != 64 || got[63] != "and 37 more" || strings.Contains(got[0], "\x1b") {
		t.Errorf("of a hundred lines %d are told, the last is %q", len(got), got[len(got)-1])
	}
}
