package helper_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// The name of a run is that of one change: whoever asks by it means that one.
func TestRunThatHasBeenHereBefore(t *testing.T) {
	b := newBench()
	run, a := b.apply(t, 120)
	if a.Error != nil {
		t.Fatal(a.Error)
	}
	if a := b.of(run, server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	if a := b.ask(b.request(t, run, 120)); a.Error == nil || a.Error.Code != server.ErrRefused || b.state(run) != server.Confirmed {
		t.Errorf("the same name once more: %+v %v; it is %s", a.Status, a.Error, b.state(run))
	}
}

// Only what the current generation wrote is removed, and what it wrote does not
// stay behind a plan that knows nothing of it.
func TestWhatIsManagedByWhom(t *testing.T) {
	b := newBench()
	run, _ := b.apply(t, 120)
	if a := b.of(run, server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	const theirs = "/bench/bad"
	look := func(path string) string {
		p := b.on(b.m.Console()).Handle(server.Request{Verb: server.VerbProbe, Probe: &server.ProbeRequest{Files: []server.FileQuestion{{Path: path}}}}, nil)
		return p.Facts.Files[path].Standing
	}
	for name, change := range map[string]func(*server.ApplyRequest){
		"a file of others is removed": func(q *server.ApplyRequest) {
			q.Manifest.Deletes = []string{theirs}
			q.Reviewed.Standing[theirs] = look(theirs)
		},
		"its own file is unknown": func(q *server.ApplyRequest) { q.Manifest.Files = nil },
	} {
		q := b.request(t, "run000000"+name[:3], 120)
		change(q.Apply)
		if a := b.ask(q); a.Error == nil || a.Error.Code != server.ErrMoved {
			t.Errorf("%s: %+v %v", name, a.Status, a.Error)
		}
		if _, err := b.m.Console().Look(theirs); err != nil || b.text() != run {
			t.Errorf("%s: %v, %q stands", name, err, b.text())
		}
	}
	if err := b.m.Console().Remove(benchFile); err != nil {
		t.Fatal(err)
	}
	q := b.request(t, "run000000gone", 120)
	q.Apply.Manifest.Files = nil
	if a := b.ask(q); a.Error != nil {
		t.Errorf("with its own file gone by hand: %v", a.Error)
	}
}

// A file that goes is held against the review like one that is written.
func TestWhatIsToGoWasEdited(t *testing.T) {
	b := newBench()
	run, _ := b.apply(t, 120)
	if a := b.of(run, server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	q := b.request(t, "run000000goes", 120)
	q.Apply.Manifest.Files, q.Apply.Manifest.Deletes = nil, []string{benchFile}
	os := b.m.Console()
	if err := errors.Join(os.Remove(benchFile), os.Create(benchFile, []byte("by hand\n"), helper.Attributes{Mode: 0o644, Owner: "root", Group: "root"})); err != nil {
		t.Fatal(err)
	}
	if a := b.ask(q); a.Error == nil || a.Error.Code != server.ErrMoved || b.text() != "by hand" {
		t.Errorf("%+v %v; %q stands", a.Status, a.Error, b.text())
	}
}

// Bytes that are not those of their sum are not even staged.
func TestBytesOfAnotherSum(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000else", 120)
	q.Apply.Manifest.Files[0].Data = []byte("something else\n")
	if a := b.ask(q); a.Error == nil || a.Error.Code != server.ErrRefused || !strings.Contains(a.Error.Text, "arrived damaged") {
		t.Errorf("%+v %v", a.Status, a.Error)
	}
}

// What has rotted since it was staged and checked does not become active.
func TestStagedBytesThatHaveRotted(t *testing.T) {
	b := newBench()
	rot := func(file string, data []byte) []byte {
		if strings.HasSuffix(file, "/files/0") {
			return []byte("rot\n")
		}
		return data
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, read: rot} }
	run, a := b.apply(t, 120)
	if a.Error == nil || b.state(run) != server.Reverted || b.text() != "" || !strings.Contains(a.Error.Text, "damaged") {
		t.Errorf("%v; it is %s, %q stands", a.Error, b.state(run), b.text())
	}
}

// A link that is not as declared when somebody confirms is not kept.
func TestConfirmWithALinkThatLacks(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000link", 60)
	q.Apply.Manifest.Links = []server.Link{{Match: server.Match{Name: "eno1"}, Addresses: []string{"192.0.2.30/28"}, Gateways: []string{"192.0.2.17"}}}
	if a := b.ask(q); a.Error != nil {
		t.Fatal(a.Error)
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, bare: true} }
	if a := b.of("run000000link", server.VerbConfirm); a.Error == nil || a.Error.Code != server.ErrUnfit || !strings.Contains(a.Error.Text, "192.0.2.30") {
		t.Errorf("confirmed: %+v %v", a.Status, a.Error)
	}
	b.spoil = func(os helper.OS) helper.OS { return os }
	b.m.Console().Sleep(2 * time.Minute)
	if got := b.state("run000000link"); got != server.Reverted {
		t.Errorf("it is %s", got)
	}
}

// Without a way back nothing is begun, wherever it is that it cannot be armed.
func TestChangeWithoutAWayBack(t *testing.T) {
	for name, no := range map[string]func(string) error{
		"its units": func(file string) error {
			if strings.Contains(file, helper.RevertUnit) {
				return syscall.EIO
			}
			return nil
		},
		"the word that it is owed": func(file string) error {
			if strings.HasSuffix(file, "/pending.new") {
				return syscall.ENOSPC
			}
			return nil
		},
	} {
		b := newBench()
		b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, make: no} }
		run, a := b.apply(t, 120)
		if a.Error == nil || a.Error.Code != server.ErrRefused || !strings.Contains(a.Error.Text, "arm the way back") || b.state(run) != server.Refused || b.text() != "" {
			t.Errorf("%s: %v; it is %s, %q stands", name, a.Error, b.state(run), b.text())
		}
	}
}

// A systemd that does not read its files anew acts on units of before: that
// change is put back, and is not called active.
func TestSystemdThatDoesNotRead(t *testing.T) {
	b := newBench()
	once := false
	refuse := func(op helper.Op, _ string) (bool, error) {
		if op == helper.OpReread && b.text() != "" && !once {
			once = true
			return true, errors.New("no such bus")
		}
		return false, nil
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, do: refuse} }
	run, a := b.apply(t, 120)
	if a.Error == nil || a.Error.Code != server.ErrReverted || !strings.Contains(a.Error.Text, "no such bus") || b.state(run) != server.Reverted || b.text() != "" {
		t.Errorf("%v; it is %s, %q stands", a.Error, b.state(run), b.text())
	}
}
