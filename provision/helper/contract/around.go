package contract

import (
	"io/fs"
	"net/netip"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// Around is what others have on the machine.
type Around struct {
	// Broken is a unit that fails when it is started.
	Broken string
	// Listen has somebody listen, by TCP and by UDP, and returns where; nil where
	// nobody can.
	Listen func(*testing.T) (tcp, udp netip.AddrPort, program string)
}

func around(t *testing.T, os helper.OS, a Around) {
	for _, path := range []string{"/", "/etc"} {
		d, err := os.Disk(path)
		fine(t, err)
		if d.Path != path || d.Bytes == 0 || d.Free > d.Bytes || d.ReadOnly {
			t.Errorf("%+v", d)
		}
	}
	_, err := os.Disk("/no/such/path")
	is(t, "a path that is not there", err, fs.ErrNotExist)
	was, err := os.Failed()
	fine(t, err)
	if slices.Contains(was, a.Broken) {
		fine(t, os.Do(helper.OpReset, a.Broken, jobTime))
	}
	if err := os.Do(helper.OpStart, a.Broken, jobTime); err == nil {
		t.Fatalf("%s was started", a.Broken)
	}
	now, err := os.Failed()
	fine(t, err)
	if !slices.Contains(now, a.Broken) {
		t.Errorf("%s has failed, and told are %v", a.Broken, now)
	}
	fine(t, os.Do(helper.OpReset, a.Broken, jobTime))
	if then, err := os.Failed(); err != nil || slices.Contains(then, a.Broken) {
		t.Errorf("it is over, and told are %v, %v", then, err)
	}
	before, err := os.Sockets()
	fine(t, err)
	if a.Listen == nil {
		return
	}
	tcp, udp, program := a.Listen(t)
	sockets, err := os.Sockets()
	fine(t, err)
	for _, want := range []server.Socket{{Network: "tcp", At: tcp, Program: program}, {Network: "udp", At: udp, Program: program}} {
		if !slices.Contains(sockets, want) || slices.Contains(before, want) {
			t.Errorf("of %+v told was %v, and now is %v", want, before, sockets)
		}
	}
}
