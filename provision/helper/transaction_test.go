package helper_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/sim"
	"github.com/raiz-dns/raiz/provision/server"
)

// bench is a simulated server, with systemd and a helper, on which somebody
// stands who may spoil what a program sees.
type bench struct {
	m     *sim.Machine
	spoil func(helper.OS) helper.OS
	runs  int
}

// idle is a unit of the bench, which reads benchFile as far as raiz knows.
const (
	idle      = "idle.service"
	benchFile = "/bench/idle.conf"
)

func newBench() *bench {
	b := &bench{spoil: func(os helper.OS) helper.OS { return os }}
	make := func(os helper.OS) *helper.Helper { return b.on(b.spoil(os)) }
	b.m = sim.Bench(sim.Programs{
		Activate: func(os helper.OS) error { return make(os).Activate() },
		Revert:   func(os helper.OS) error { return make(os).RevertPending() },
		Boot:     func(os helper.OS) error { return make(os).Boot() },
	})
	return b
}

func (b *bench) on(os helper.OS) *helper.Helper {
	return helper.New(os, helper.Options{Program: "/usr/local/lib/raiz/helper"})
}

// ask has somebody ask, and the server go on meanwhile.
func (b *bench) ask(r server.Request) server.Answer {
	return b.on(b.spoil(b.m.Console())).Handle(r, func(server.Event) {})
}

// apply has a generation with one file and one unit become active.
func (b *bench) apply(t *testing.T, seconds int) (run string, a server.Answer) {
	t.Helper()
	b.runs++
	run = fmt.Sprintf("run%09d", b.runs)
	return run, b.ask(b.request(t, run, seconds))
}

// request asks for that generation, over what stands.
func (b *bench) request(t *testing.T, run string, seconds int) server.Request {
	t.Helper()
	text := []byte(run + "\n")
	sum := sha256.Sum256(text)
	f := server.File{Path: benchFile, Mode: 0o644, Owner: "root", Group: "root", Data: text, Sum: hex.EncodeToString(sum[:]),
		Effect: &server.Action{Verb: server.ActRestart, Unit: idle}}
	probe := b.on(b.m.Console()).Handle(server.Request{Verb: server.VerbProbe, Probe: &server.ProbeRequest{Files: []server.FileQuestion{{Path: f.Path}}}}, nil)
	if probe.Error != nil {
		t.Fatal(probe.Error)
	}
	return server.Request{Verb: server.VerbApply, Apply: &server.ApplyRequest{Run: run, Seconds: seconds,
		Reviewed: server.Reviewed{Current: probe.Facts.Current, Standing: map[string]string{f.Path: probe.Facts.Files[f.Path].Standing}},
		Manifest: server.Manifest{Files: []server.File{f}, Units: []server.Unit{{Name: idle, Active: true}, {Name: "slow.service"}}},
	}}
}

func (b *bench) of(run string, v server.Verb) server.Answer {
	return b.ask(server.Request{Verb: v, Run: &server.RunRequest{Run: run, Reason: "a test"}})
}

// state is how a run stands, by the server's own word.
func (b *bench) state(run string) server.State {
	return b.on(b.m.Console()).Handle(server.Request{Verb: server.VerbStatus, Run: &server.RunRequest{Run: run}}, nil).Status.State
}

// text is what stands in the file, nothing where there is none.
func (b *bench) text() string {
	text, _ := b.m.Console().Read(benchFile)
	return strings.TrimSpace(string(text))
}

// acts is how often systemd has acted on the unit.
func (b *bench) acts() int {
	n := 0
	for _, a := range b.m.Acts {
		if a.Unit == idle {
			n++
		}
	}
	return n
}

// spoilt is an operating system some of whose calls do not do what they should.
type spoilt struct {
	helper.OS
	do    func(helper.Op, string) (bool, error) // false for what is passed on
	make  func(string) error
	drop  func(string) error
	flush func(string) error
	units error
	net   error
	bare  bool // links have no address
	read  func(string, []byte) []byte
	arm   bool // does nothing
}

func (s spoilt) Do(op helper.Op, unit string, limit time.Duration) error {
	if s.do != nil {
		if done, err := s.do(op, unit); done {
			return err
		}
	}
	return s.OS.Do(op, unit, limit)
}

func (s spoilt) Create(file string, data []byte, a helper.Attributes) error {
	if s.make != nil {
		if err := s.make(file); err != nil {
			return err
		}
	}
	return s.OS.Create(file, data, a)
}

func (s spoilt) Remove(file string) error {
	if s.drop != nil {
		if err := s.drop(file); err != nil {
			return err
		}
	}
	return s.OS.Remove(file)
}

func (s spoilt) Flush(file string) error {
	if s.flush != nil {
		if err := s.flush(file); err != nil {
			return err
		}
	}
	return s.OS.Flush(file)
}

func (s spoilt) Units(names []string) (map[string]server.UnitFact, error) {
	if s.units != nil {
		return nil, s.units
	}
	return s.OS.Units(names)
}

func (s spoilt) Network() (server.Network, error) {
	if s.net != nil {
		return server.Network{}, s.net
	}
	n, err := s.OS.Network()
	for i := range n.Links {
		if s.bare {
			n.Links[i].Addresses = nil
		}
	}
	return n, err
}

func (s spoilt) Read(file string) ([]byte, error) {
	data, err := s.OS.Read(file)
	if s.read != nil && err == nil {
		data = s.read(file, data)
	}
	return data, err
}

func (s spoilt) Arm(after time.Duration) error {
	if s.arm {
		return nil
	}
	return s.OS.Arm(after)
}

// An activation that is started once more, by a hand at the console, does
// nothing: its names have been changed, and would look as if others had.
func TestActivateOnceMore(t *testing.T) {
	b := newBench()
	run, a := b.apply(t, 120)
	if a.Error != nil || b.text() != run {
		t.Fatalf("%+v, %q", a, b.text())
	}
	acts := b.acts()
	again := func(when string, want server.State) {
		t.Helper()
		if err := b.on(b.m.Console()).Activate(); err != nil || b.state(run) != want || b.text() != run || b.acts() != acts {
			t.Errorf("%s: %v; %s, %q stands, %d acts on the unit instead of %d", when, err, b.state(run), b.text(), b.acts(), acts)
		}
	}
	again("when it is active", server.Active)
	if a := b.of(run, server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	again("when it is confirmed", server.Confirmed)
}

// An activation that systemd comes to when the time of its change is over
// changes no file and acts on no unit.
func TestActivateTooLate(t *testing.T) {
	b := newBench()
	late := func(op helper.Op, unit string) (bool, error) {
		return op == helper.OpStartSoon && unit == helper.ActivateUnit, nil
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, do: late, arm: true} }
	run, _ := b.apply(t, 30)
	if got := b.state(run); got != server.Armed {
		t.Fatalf("it is %q", got)
	}
	acts := b.acts()
	if err := b.on(b.m.Console()).Activate(); err != nil || b.state(run) != server.Reverted || b.text() != "" || b.acts() != acts {
		t.Errorf("%v; it is %s, %q stands, %d acts on the unit", err, b.state(run), b.text(), b.acts()-acts)
	}
}

// That nothing was changed, and never will be, is said only of a run that was
// kept from beginning for good.
func TestFenceThatCannotBeWritten(t *testing.T) {
	fails := func(part string) func(string) error {
		return func(file string) error {
			if strings.Contains(file+" ", part) {
				return syscall.ENOSPC
			}
			return nil
		}
	}
	for name, s := range map[string]spoilt{"no room": {make: fails("/fences/")}, "its name is not flushed": {flush: fails("/fences ")}} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.apply(t, 30) // its home is there
			b.of("run000000001", server.VerbRevert)
			b.spoil = func(os helper.OS) helper.OS { s := s; s.OS = os; return s }
			if a := b.of("run000000777", server.VerbRevert); a.Error == nil {
				t.Errorf("it was told %+v", a.Status)
			}
			b.spoil = func(os helper.OS) helper.OS { return os }
			if a := b.of("run000000777", server.VerbRevert); a.Error != nil || a.Status.State != server.NoState {
				t.Errorf("with room it was told %+v, %v", a.Status, a.Error)
			}
		})
	}
}

func noManifest(file string, data []byte) []byte {
	if strings.HasSuffix(file, "/manifest.json") {
		return data[:1]
	}
	return data
}

// What cannot be looked at is not confirmed, and goes back when its time is over.
func TestConfirmThatCannotLook(t *testing.T) {
	for name, s := range map[string]spoilt{"units": {units: syscall.EIO}, "links": {net: syscall.EIO}, "what it declares": {read: noManifest}} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			run, a := b.apply(t, 60)
			if a.Error != nil {
				t.Fatal(a.Error)
			}
			b.spoil = func(os helper.OS) helper.OS { s := s; s.OS = os; return s }
			if a := b.of(run, server.VerbConfirm); a.Error == nil || b.state(run) != server.Active {
				t.Errorf("confirmed unseen: %+v", a)
			}
			b.spoil = func(os helper.OS) helper.OS { return os }
			b.m.Console().Sleep(2 * time.Minute)
			if got := b.state(run); got != server.Reverted || b.text() != "" {
				t.Errorf("it is %s, %q stands", got, b.text())
			}
		})
	}
}

// A second operator may take back what is overdue, where no timer does, and
// nothing before.
func TestRevertOfWhatIsOverdue(t *testing.T) {
	b := newBench()
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, arm: true} }
	overdue := func() server.Answer {
		return b.ask(server.Request{Verb: server.VerbRevert, Run: &server.RunRequest{Overdue: true, Reason: "its time is over"}})
	}
	if a := overdue(); a.Error != nil || a.Status != nil {
		t.Errorf("with nothing pending: %+v %v", a.Status, a.Error)
	}
	run, _ := b.apply(t, 60)
	if a := overdue(); a.Error == nil || a.Error.Code != server.ErrBusy || b.state(run) != server.Active {
		t.Errorf("before its time: %+v, it is %s", a.Error, b.state(run))
	}
	b.m.Console().Sleep(2 * time.Minute)
	if a := overdue(); a.Error != nil || b.state(run) != server.Reverted || b.text() != "" {
		t.Errorf("after its time: %v, it is %s, %q stands", a.Error, b.state(run), b.text())
	}
}

// An activation that cannot be started is put back at once, and said to be.
func TestActivationThatCannotBeStarted(t *testing.T) {
	b := newBench()
	refuse := func(op helper.Op, unit string) (bool, error) {
		return op == helper.OpStartSoon && unit == helper.ActivateUnit, errors.New("no such bus")
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, do: refuse} }
	began := b.m.Console().Uptime()
	run, a := b.apply(t, 600)
	if took := b.m.Console().Uptime() - began; a.Error != nil || a.Status.State != server.Reverted || !strings.Contains(a.Status.Reason, "no such bus") || took > time.Minute {
		t.Errorf("after %s: %+v %v", took, a.Status, a.Error)
	}
	if b.state(run) != server.Reverted || b.text() != "" {
		t.Errorf("it is %s, %q stands", b.state(run), b.text())
	}
}
