//go:build linux

package blackbox_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// scriptSide is the shell script, under one shell.
type scriptSide struct {
	b     *box
	argv  []string
	limit int
	// runs are the units that each generation has running.
	runs map[int][]string
}

func newScript(b *box, argv ...string) farSide {
	return &scriptSide{b: b, argv: argv, runs: map[int][]string{}}
}

func (s *scriptSide) env() []string {
	tools, err := filepath.Abs("testdata/tools")
	if err != nil {
		panic(err)
	}
	if s.argv[0] == "busybox" {
		tools += ":" + s.applets()
	}
	return append(os.Environ(), "RAIZ_TOOLS="+tools, "RAIZ_ROOT="+s.b.dir+"/root", "RAIZ_HOME="+s.b.dir+"/root/var/lib/raiz",
		"RAIZ_STUB="+s.b.aside+"/stub", "RAIZ_STUB_SHELL="+strings.Join(s.argv, " "), "SSH_CONNECTION=192.0.2.99 4711 192.0.2.20 22")
}

// applets are links to busybox, one for each tool that the script calls.
func (s *scriptSide) applets() string {
	dir := s.b.aside + "/applets"
	if there(dir) {
		return dir
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		panic(err)
	}
	err = os.Mkdir(dir, 0o755)
	for _, a := range strings.Fields("awk base64 cat chmod chown cmp cp cut date dirname find grep head ln mkdir mv readlink rm sed sha256sum sort stat tail tar tr uname") {
		err = errors.Join(err, os.Symlink(busybox, dir+"/"+a))
	}
	if err != nil {
		panic(err)
	}
	return dir
}

func (s *scriptSide) sh(t *testing.T, stdin string, words ...string) string {
	t.Helper()
	argv := slices.Concat(s.argv, words)
	c := exec.Command(argv[0], argv[1:]...)
	c.Env, c.Stdin = s.env(), strings.NewReader(stdin)
	return run(t, c)
}

func (s *scriptSide) by() shell.By { return shell.By{Who: who, Keep: s.limit} }

// call runs a text the way it arrives over SSH, and reads what is said.
func (s *scriptSide) call(t *testing.T, text string) reply {
	t.Helper()
	var r reply
	for l := range strings.Lines(s.sh(t, text, "-s")) {
		s.line(&r, strings.TrimSuffix(l, "\n"))
	}
	return r
}

func (s *scriptSide) line(r *reply, l string) {
	word, rest, _ := strings.Cut(l, " ")
	number, more, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(number)
	switch word {
	case "generation":
		r.events = append(r.events, server.Staged)
	case "armed":
		r.number, r.state = n, server.Armed
		r.events = append(r.events, server.Armed)
	case "active", "confirmed":
		r.number, r.state = n, server.State(word)
		if word == "active" {
			r.events = append(r.events, server.Active)
		}
	case "reverted":
		if r.state == server.Armed { // asked for something else
			r.code = server.ErrReverted
		}
		r.number, r.state, r.text = n, server.Reverted, more
	case "early":
		r.code = server.ErrEarly
	case "late":
		r.code = server.ErrLate
	case "nothing": // to revert: generation N is STATE
		f := strings.Fields(rest)
		r.number, _ = strconv.Atoi(f[3])
		r.state = server.State(f[5])
	case "check-failed":
		r.code, r.text = server.ErrRefused, rest
	case "error":
		s.failed(r, rest)
	}
}

func (s *scriptSide) failed(r *reply, why string) {
	r.text = strings.TrimSpace(r.text + " " + why)
	switch {
	case r.code != "":
	case strings.HasPrefix(why, "locked by"), strings.Contains(why, "and not confirmed:"):
		r.code = server.ErrBusy
	case strings.Contains(why, "stays unconfirmed"):
		r.code = server.ErrUnfit
	case strings.Contains(why, "is reverting, not active"):
		r.code = server.ErrLate
	case strings.Contains(why, "cannot confirm"):
		r.code = server.ErrSystem
	default:
		r.code = server.ErrRefused
	}
}

func (s *scriptSide) apply(t *testing.T, m server.Manifest) reply {
	t.Helper()
	bundle, err := shell.Pack(s.generation(t, m))
	if err != nil {
		t.Fatal(err)
	}
	r := s.upload(t, bundle)
	for _, u := range m.Units {
		if u.Active {
			s.runs[r.number] = append(s.runs[r.number], u.Name)
		}
	}
	return r
}

func (s *scriptSide) upload(t *testing.T, b shell.Bundle) reply {
	t.Helper()
	path := s.b.aside + "/raiz-upload.tar"
	if err := os.WriteFile(path, b.Tar, 0o600); err != nil {
		t.Fatal(err)
	}
	r := s.call(t, shell.Apply(s.by(), b, path, 2*time.Second).Text)
	if there(path) {
		t.Error("the bundle was left behind")
	}
	return r
}

func (s *scriptSide) damaged(t *testing.T, m server.Manifest, how damage) reply {
	t.Helper()
	bundle, err := shell.Pack(s.generation(t, m))
	if err != nil {
		t.Fatal(err)
	}
	sum := func(data []byte) string {
		x := state.NewFile(0, "", "", data, state.Public).Sum
		return hex.EncodeToString(x[:])
	}
	switch how {
	case flipped:
		bundle.Tar[len(bundle.Tar)/2] ^= 1
	case short:
		bundle.Tar = bundle.Tar[:len(bundle.Tar)/3]
	case nothing:
		bundle.Tar = []byte("this is no archive\n")
		bundle.Sum = sum(bundle.Tar)
	case foreign:
		bundle.Tar = bytes.Replace(bundle.Tar, m.Files[0].Data, []byte("and-secret\n")[:len(m.Files[0].Data)], 1)
		bundle.Sum = sum(bundle.Tar)
	}
	return s.upload(t, bundle)
}

// generation is a manifest as raiz said it to the script: with what has to be
// done, which raiz found by what the probe had said.
func (s *scriptSide) generation(t *testing.T, m server.Manifest) shell.Generation {
	t.Helper()
	g := shell.Generation{Plan: m.Plan, Deletes: m.Deletes}
	verbs, at, late := map[string]string{}, map[string]int{}, []shell.Action{}
	want := func(unit, verb string, order int) {
		if verbs[unit] < verb || verbs[unit] == "start" {
			verbs[unit], at[unit] = verb, order
		}
	}
	for _, f := range m.Files {
		file := state.NewFile(fs.FileMode(f.Mode), f.Owner, f.Group, f.Data, state.Public)
		if f.Secret {
			file = state.NewFile(fs.FileMode(f.Mode), f.Owner, f.Group, f.Data, state.Confidential)
		}
		p := shell.Put{Path: f.Path, File: file, Check: f.Check}
		if e := f.Effect; e != nil {
			p.Effect, p.Order = shell.Action{Verb: e.Verb, Unit: e.Unit, Run: e.Run}, e.Order
			switch stands, err := os.ReadFile(s.b.root(f.Path)); {
			case err == nil && bytes.Equal(stands, f.Data):
			case e.Unit != "":
				want(e.Unit, e.Verb, e.Order)
			default:
				late = append(late, p.Effect)
			}
		}
		g.Puts = append(g.Puts, p)
	}
	for _, p := range m.Deletes {
		if unit, is := strings.CutPrefix(p, "/etc/systemd/system/"); is && there(s.b.root(p)) {
			g.Actions = append(g.Actions, shell.Action{Verb: "disable", Unit: unit})
		}
	}
	for _, u := range m.Units {
		if u.Enabled && !there(s.b.stub("enabled/"+u.Name)) {
			g.Actions = append(g.Actions, shell.Action{Verb: "enable", Unit: u.Name})
		}
		if u.Active && !there(s.b.stub("active/"+u.Name)) && verbs[u.Name] == "" {
			want(u.Name, "start", u.Order)
		}
	}
	var units []string
	for u := range verbs {
		units = append(units, u)
	}
	slices.SortFunc(units, func(a, b string) int { return at[a] - at[b] })
	for _, u := range units {
		g.Actions = append(g.Actions, shell.Action{Verb: verbs[u], Unit: u})
	}
	g.Actions = append(g.Actions, late...)
	return g
}

func (s *scriptSide) confirm(t *testing.T, n int) reply {
	t.Helper()
	return s.call(t, shell.Confirm(s.by(), strconv.Itoa(n), s.runs[n]).Text)
}

func (s *scriptSide) revert(t *testing.T, n int, reason string) reply {
	t.Helper()
	return s.call(t, shell.Revert(s.by(), strconv.Itoa(n), reason).Text)
}

func (s *scriptSide) rollback(t *testing.T, n int) reply {
	t.Helper()
	r := s.call(t, shell.Rollback(s.by(), strconv.Itoa(n), 2*time.Second).Text)
	s.runs[r.number] = s.runs[n]
	return r
}

func (s *scriptSide) history(t *testing.T) []server.Status {
	t.Helper()
	all, err := shell.ParseHistory([]byte(s.sh(t, shell.History(s.by()).Text, "-s")))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := shell.ParseStatus([]byte(s.sh(t, shell.Status(s.by()).Text, "-s")))
	if err != nil {
		t.Fatal(err)
	}
	var out []server.Status
	for _, p := range all {
		st := server.Status{State: server.State(p.State), Plan: p.Plan}
		st.Number, _ = strconv.Atoi(p.Number)
		st.Who, _, _ = strings.Cut(p.Who, " at 2")
		if p.State == "current" {
			st.State, st.Current = server.Confirmed, true
		}
		if st.Changed, err = time.Parse(time.RFC3339, p.Time); err != nil {
			t.Error(err)
		}
		if n, why, _ := strings.Cut(tr.Reverted, " "); n == p.Number {
			_, st.Reason, _ = strings.Cut(why, " ")
		}
		out = append(out, st)
	}
	return out
}

func (s *scriptSide) probe(t *testing.T, q server.ProbeRequest) server.Facts {
	t.Helper()
	var b strings.Builder
	for _, f := range q.Files {
		word := "public"
		if f.Secret {
			word = "secret"
		}
		fmt.Fprintf(&b, "file %s %s %s\n", f.Sum, word, f.Path)
	}
	for _, u := range q.Units {
		fmt.Fprintf(&b, "unit %s\n", u)
	}
	for _, p := range q.Packages {
		fmt.Fprintf(&b, "package %s\n", p)
	}
	text := shell.Script() + "raiz probe <<'RAIZ_REQUEST'\n" + b.String() + "RAIZ_REQUEST\n"
	p, err := shell.ParseProbe([]byte(s.sh(t, text, "-s")))
	if err != nil {
		t.Fatal(err)
	}
	return s.facts(p)
}

func (s *scriptSide) facts(p shell.Probe) server.Facts {
	f := server.Facts{Hostname: p.Hostname, BootID: p.BootID, OS: p.OS, Clock: p.Clock, Managed: p.Managed, Packages: p.Packages,
		Files: map[string]server.FileFact{}, Units: map[string]server.UnitFact{}}
	f.Current, _ = strconv.Atoi(p.Current)
	if n, err := strconv.Atoi(p.Pending); err == nil {
		is, _, _ := strings.Cut(p.PendingIs, " ")
		f.Pending = &server.Status{Number: n, State: server.State(is)}
	}
	for path, a := range p.Files {
		fact := server.FileFact{Kind: server.Kind(a.Kind), Link: a.Link}
		if a.Kind == "file" {
			fact.Mode, fact.Owner, fact.Group, fact.Data = uint32(a.File.Mode), a.File.Owner, a.File.Group, a.File.Data
			fact.Sum = hex.EncodeToString(a.File.Sum[:])
		}
		f.Files[path] = fact
	}
	for name, u := range p.Units {
		f.Units[name] = server.UnitFact{Load: u.Load, Active: u.Active, Sub: u.Sub, File: u.UnitFile}
	}
	return f
}

func (s *scriptSide) bootUnit(t *testing.T) {
	t.Helper()
	s.sh(t, "", s.b.home("raiz.sh"), "boot")
}

// revertNow runs what was armed; a run that fails is tried again.
func (s *scriptSide) revertNow(t *testing.T) {
	t.Helper()
	words := strings.Split(strings.TrimSuffix(read(t, s.b.stub("timer")), "\n"), "\n")
	remove(t, s.b.stub("timer"))
	for range 3 {
		if s.sh(t, "", words[1:]...); !there(s.b.home("pending")) {
			return
		}
	}
}

func (s *scriptSide) systemctl(t *testing.T, words ...string) {
	t.Helper()
	c := exec.Command("testdata/tools/systemctl", words...)
	c.Env = s.env()
	run(t, c)
}

func (s *scriptSide) sees(path string) string { return s.b.root(path) }

func (s *scriptSide) lock(t *testing.T, who string) func() {
	t.Helper()
	return holdLock(t, s.b.home("lock"), func(int) {
		if err := os.WriteFile(s.b.home("lock.owner"), []byte(who+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
}

func (s *scriptSide) kept(n int) string {
	return s.b.home(fmt.Sprintf("generations/%d/files/etc/dns.conf", n))
}

func (s *scriptSide) copies(n int) (copied, second string) {
	return s.b.home(fmt.Sprintf("generations/%d/before/files/etc/dns.conf", n)), s.b.root("/etc/dns.conf.raiz-old")
}

func (s *scriptSide) applyUnwatched(t *testing.T, m server.Manifest) {
	t.Helper()
	s.apply(t, m)
}

func (s *scriptSide) cut(t *testing.T, n int) {
	t.Helper()
	if err := os.WriteFile(s.b.home(fmt.Sprintf("generations/%d/state", n)), []byte("confirmed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *scriptSide) keep(n int) { s.limit = n }
