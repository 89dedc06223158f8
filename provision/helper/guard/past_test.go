//go:build linux

package guard

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/watch"
)

// What is kept is what the next guard has, whatever was written before; what
// cannot be read is nothing.
func TestPast(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "past"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := &past{file: file}
	many := []watch.BlockStatus{{Prefix: prefix(four), State: watch.Announced, Fell: []float64{1.5, 2}}, {Prefix: prefix(six), State: watch.Withdrawn}}
	for _, all := range [][]watch.BlockStatus{many, many[:1], many} {
		told := append([]watch.BlockStatus(nil), all...)
		told[0].Since, told[0].Reason = time.Now(), "it is so"
		p.keep(told)
		if diff := cmp.Diff(all, (&past{file: file}).blocks(), cmp.Comparer(func(a, b watch.BlockStatus) bool {
			return a.Prefix == b.Prefix && a.State == b.State && cmp.Equal(a.Fell, b.Fell)
		})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for _, text := range []string{"", "[", "{}", `[{"prefix":"x"}]`, "\x00"} {
		if err := file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt([]byte(text), 0); err != nil {
			t.Fatal(err)
		}
		if got := p.blocks(); len(got) > 0 {
			t.Errorf("%q: %+v", text, got)
		}
	}
	var none *past
	none.keep(many)
	if got := none.blocks(); got != nil {
		t.Errorf("%+v", got)
	}
}

// systemd is handed the very file that is written to.
func TestPastIsHandedOver(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	p, err := openPast()
	if err != nil {
		t.Fatal(err)
	}
	defer p.file.Close()
	text, rights := make([]byte, 100), make([]byte, 100)
	n, m, _, _, err := systemd.ReadMsgUnix(text, rights)
	if err != nil || !bytes.Equal(text[:n], []byte("FDSTORE=1\nFDNAME=past")) {
		t.Fatalf("%q, %v", text[:n], err)
	}
	control, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil || len(control) != 1 {
		t.Fatalf("%v, %v", control, err)
	}
	fds, err := unix.ParseUnixRights(&control[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%v, %v", fds, err)
	}
	kept := os.NewFile(uintptr(fds[0]), "kept")
	defer kept.Close()
	p.keep([]watch.BlockStatus{{Prefix: prefix(four), State: watch.Announced}})
	if got := (&past{file: kept}).blocks(); len(got) != 1 || got[0].State != watch.Announced {
		t.Errorf("%+v", got)
	}
}

// Who begins where another ended knows how often blocks fell, and that they fell
// with it.
func TestRunGoesOn(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "past"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	boot := time.Now().Add(-time.Hour)
	for ends := range 4 {
		c := twoBlocks()
		c.Damping = 30
		g, m, _ := guardOn(t, c)
		m.began = boot
		g.past = &past{file: file}
		g.begin()
		b := g.keeper.blocks[0]
		if len(b.fell) != ends || b.since == 0 {
			t.Fatalf("after %d ends: fell %v, since %s", ends, b.fell, b.since)
		}
		at := g.os.Uptime()
		g.feed.writer = nobody{}
		for b.state != announced {
			at += time.Second
			g.keeper.heard(looks(c, right), at)
		}
		if took := at - g.os.Uptime(); (took > 20*time.Second) != (ends >= dampAfter) {
			t.Errorf("after %d ends: announced after %s", ends, took)
		}
		g.write(at)
	}
}
