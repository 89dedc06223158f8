// Package contract is what every operating system of the helper has to do: the
// real one, on this machine as far as that is possible without touching it and
// whole in a rehearsal, and the simulated one. A simulation that does not keep
// it proves nothing.
//
// It knows time only as the operating system tells it, and names only from a
// Fixture. Start reading at Run.
package contract

import (
	"net/netip"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Fixture is an operating system, and what the contract may use of it. A part
// that is missing is not tried.
type Fixture struct {
	OS      helper.OS
	Files   *Files
	Units   *Units
	Network *Network
	Machine *Machine
	Names   *Names
	Running *Running
	Around  *Around
}

// Files are places on the disk.
type Files struct {
	// Dir is empty, and nobody but root may change it, or anything above it.
	Dir string
	// Exposed is a directory below Dir, on the same file system, that somebody
	// else may change; Shared one, like /tmp, where everybody makes names.
	// Shared may be empty.
	Exposed, Shared string
	// Elsewhere is a directory of another file system; it may be empty.
	Elsewhere string
	// Owner and Group are others than root's.
	Owner, Group string
}

// Units are units that systemd has.
type Units struct {
	Idle   string // not running, not enabled; it starts, stays, can be enabled, and cannot reload
	Broken string // it says Words and fails when it is started
	Words  string
	Slow   string // it takes more than three seconds to start
	Absent string // systemd does not know it
	// Fired counts how often helper.RevertUnit, which must be there, was
	// started.
	Fired func(*testing.T) int
	// Isolate ends what the next target does not want, and comes back; nil
	// where there is no such thing.
	Isolate func(*testing.T)
}

// Network is what may be changed in the kernel.
type Network struct {
	Link   string // up, with a carrier, and with no addresses but link-local ones
	Absent string // no link has this name
	// IPv4 and IPv6 are addresses with a length that nobody has, and a gateway
	// within the same prefix each.
	IPv4, Gateway4, IPv6, Gateway6 string
}

// Names are places that can be asked, by UDP and by TCP, on addresses of this
// machine.
type Names struct {
	Answers netip.AddrPort // it sends back what it is sent
	Silent  netip.AddrPort // it takes what comes, and says nothing
	Nobody  netip.AddrPort // nobody listens
	Source  netip.Addr     // an address of this machine to ask them from
	Other   netip.AddrPort // on an address that this machine does not have
}

// Machine are commands to run.
type Machine struct {
	Says    []string // prints Words, and ends well
	Words   string
	Fails   []string // prints Words, and ends badly
	Hangs   []string // never ends, and leaves a child behind that does not, either
	Floods  []string // prints more than anybody reads; may be nil
	Missing []string // no such program
	// Lock is a path for a lock that is not there yet.
	Lock string
	// Other takes that lock as somebody else, in another process, and returns
	// what ends that process.
	Other func(t *testing.T, path, who string) (end func())
	// Package is installed, Absent is no package.
	Package, Absent string
}

// Run holds an operating system to the contract.
func Run(t *testing.T, f Fixture) {
	t.Run("clock", func(t *testing.T) { clock(t, f.OS) })
	if f.Files != nil {
		t.Run("files", func(t *testing.T) { files(t, f.OS, *f.Files) })
	}
	if f.Machine != nil {
		t.Run("machine", func(t *testing.T) { machine(t, f.OS, *f.Machine) })
	}
	if f.Names != nil {
		t.Run("names", func(t *testing.T) { askNames(t, f.OS, *f.Names) })
	}
	if f.Units != nil {
		t.Run("units", func(t *testing.T) { units(t, f.OS, *f.Units) })
	}
	if f.Running != nil {
		t.Run("running", func(t *testing.T) { running(t, f.OS, *f.Running) })
	}
	if f.Around != nil {
		t.Run("around", func(t *testing.T) { around(t, f.OS, *f.Around) })
	}
	if f.Network != nil {
		t.Run("network", func(t *testing.T) { network(t, f.OS, *f.Network) })
	}
}

func clock(t *testing.T, os helper.OS) {
	now, up := os.Now(), os.Uptime()
	const nap = 300 * time.Millisecond
	os.Sleep(nap)
	if d := os.Now().Sub(now); d < nap || d > time.Minute {
		t.Errorf("the clock went on by %s in a sleep of %s", d, nap)
	}
	if d := os.Uptime() - up; d < nap || d > time.Minute {
		t.Errorf("the uptime went on by %s in a sleep of %s", d, nap)
	}
	if id := os.BootID(); id == "" || id != os.BootID() {
		t.Errorf("boot %q, then %q", id, os.BootID())
	}
	if s := os.System(); s.Hostname == "" || s.Arch == "" {
		t.Errorf("the system is %+v", s)
	}
}

// eventually waits by the clock of the operating system until something is so.
func eventually(t *testing.T, os helper.OS, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for end := os.Uptime() + limit; !is(); os.Sleep(50 * time.Millisecond) {
		if os.Uptime() > end {
			t.Fatalf("after %s: not %s", limit, what)
		}
	}
}

// fine ends a test at an error.
func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
