//go:build linux

package guard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// procFiles are what a load is read from.
func procFiles() []string { return []string{"udp", "udp6", "snmp", "snmp6", "tcp", "tcp6"} }

// readWhole is all that is told.
func readWhole(read func(name string) ([]byte, error)) load {
	var l load
	l.datagrams(read)
	l.connections(read)
	return l
}

// taken reads what take.py has taken down.
func taken(name string) ([]byte, error) { return os.ReadFile("testdata/proc/" + name) }

func TestReadLoad(t *testing.T) {
	var truth struct {
		Drops, Sent int64
		Conns       map[string]int64
	}
	text, err := taken("truth.json")
	if err == nil {
		err = json.Unmarshal(text, &truth)
	}
	if err != nil || truth.Drops == 0 || len(truth.Conns) < 3 {
		t.Fatalf("%+v, %v", truth, err)
	}
	l := readWhole(taken)
	conns := map[string]int64{}
	for a, n := range l.conns {
		conns[a.String()] = n
	}
	if diff := cmp.Diff(truth.Conns, conns); diff != "" || l.drops != truth.Drops || l.sent != truth.Sent {
		t.Errorf("%d drops of %d, %d sent of %d, connections (-want +got):\n%s", l.drops, truth.Drops, l.sent, truth.Sent, diff)
	}
	// A machine without IPv6 has no such files.
	half := readWhole(func(name string) ([]byte, error) {
		if strings.HasSuffix(name, "6") {
			return nil, fs.ErrNotExist
		}
		return taken(name)
	})
	if half.drops == 0 || half.drops >= l.drops || half.sent == 0 || half.sent >= l.sent || len(half.conns) != 1 {
		t.Errorf("IPv4 alone: %+v", half)
	}
	none := readWhole(func(string) ([]byte, error) { return nil, errors.New("no") })
	if none.drops != 0 || none.sent != 0 || len(none.conns) != 0 {
		t.Errorf("nothing can be read: %+v", none)
	}
}

// TestReadLoadOfThisMachine asks the kernel that this runs on.
func TestReadLoadOfThisMachine(t *testing.T) {
	read := func(name string) ([]byte, error) { return os.ReadFile("/proc/self/net/" + name) }
	for _, local := range []string{"127.0.0.1", "127.1.2.3", "::1"} {
		l, err := net.Listen("tcp", netip.AddrPortFrom(addr(local), 0).String())
		if err != nil {
			if addr(local).Is6() {
				continue // a machine without
			}
			t.Fatal(err)
		}
		defer l.Close()
		at := netip.MustParseAddrPort(l.Addr().String())
		found := false
		for _, name := range []string{"tcp", "tcp6"} {
			text, err := read(name)
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(text)) {
				f := strings.Fields(line)
				found = found || len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", at.Port())) && kernelAddr(f[1]) == at.Addr() && isLoopback(f[1])
			}
		}
		if !found {
			t.Errorf("the kernel's word for %s is not understood", at)
		}
		before := readWhole(read).sent
		c, err := net.Dial("udp", at.String()) // nobody is there: that is all the same
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		n := int64(0)
		for range 40 {
			if _, err := c.Write([]byte("x")); err == nil {
				n++
			}
		}
		if got := readWhole(read).sent - before; got < n || n < 10 {
			t.Errorf("to %s: %d datagrams, and the kernel tells of %d", at, n, got)
		}
	}
}

func TestKernelAddr(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:0035": "127.0.0.1", "010200C0:0035": "192.0.2.1",
		"B80D0120000000000000000001000000:0035": "2001:db8::1",
		"0000000000000000FFFF0000020200C0:0035": "192.0.2.2",
		"00000000000000000000000001000000:0035": "::1",
		"":                                      "invalid IP", "0100007": "invalid IP", "0100007G:0035": "invalid IP", "0100007F0100007F": "invalid IP",
	} {
		if got := kernelAddr(text).String(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A name server that is frozen under load is not excused; one that is at work
// is.
func TestExcuse(t *testing.T) {
	a, b := addr("192.0.2.1"), addr("2001:db8::1")
	said := func(network string, at netip.Addr, g grade, why string) finding {
		return finding{subject: subject{Address: at, Network: network}, grade: g, why: why}
	}
	const asked = 32
	before := load{drops: 100, sent: 1000}
	now := func(drops, sent, conns int64) load {
		return load{drops: drops, sent: sent, conns: map[netip.Addr]int64{a: conns}}
	}
	for _, tt := range []struct {
		name string
		now  load
		f    finding
		want grade
	}{
		{"at work", now(101, 1000+asked+51, 0), said("udp", a, wrong, silent), crowded},
		{"at work, whichever address", now(9999, 99999, 0), said("udp", b, wrong, silent), crowded},
		{"frozen: what leaves is the guard's own", now(9999, 1000+asked, 0), said("udp", a, wrong, silent), wrong},
		{"nearly so", now(9999, 1000+asked+50, 0), said("udp", a, wrong, silent), wrong},
		{"nothing was dropped", now(100, 99999, 0), said("udp", a, wrong, silent), wrong},
		{"begun anew, with counts of its own", now(3, 99999, 0), said("udp", a, wrong, silent), wrong},
		{"nobody listens, whatever the load", now(9999, 99999, 0), said("udp", a, wrong, "nobody listens there"), wrong},
		{"a wrong answer, whatever the load", now(9999, 99999, 0), said("udp", a, wrong, "SERVFAIL"), wrong},
		{"right, whatever the load", now(9999, 99999, 999), said("udp", a, right, ""), right},
		{"TCP is not UDP", now(9999, 99999, 99), said("tcp", a, slow, silent), slow},
		{"so many connections", now(100, 1000, 100), said("tcp", a, slow, silent), crowded},
		{"to another address", now(100, 1000, 100), said("tcp", b, slow, silent), slow},
		{"closed, whatever stands", now(100, 1000, 999), said("tcp", a, slow, "closed without an answer"), slow},
		{"UDP does not mind them", now(100, 1000, 999), said("udp", a, wrong, silent), wrong},
	} {
		all := []finding{tt.f}
		excuse(all, before, tt.now, asked, nil)
		if all[0].grade != tt.want || (tt.want == crowded) == (all[0].why == tt.f.why) {
			t.Errorf("%s: %d %s", tt.name, all[0].grade, all[0].why)
		}
		if all = []finding{tt.f}; tt.f.Network == "udp" {
			if excuse(all, before, tt.now, asked, readers{"7": {1, readersLooks}}); all[0].grade != tt.f.grade {
				t.Errorf("%s, and a socket is read by nobody: %d %s", tt.name, all[0].grade, all[0].why)
			}
		}
	}
}

// A socket that nobody reads only fills; one that is read now and then does not,
// full as it may be found.
func TestReaders(t *testing.T) {
	const full = 212992
	for _, tt := range []struct {
		name   string
		queued func(look int) map[string]int64
		hangs  bool
	}{
		{"nobody reads", func(int) map[string]int64 { return map[string]int64{"7": full, "8": 0} }, true},
		{"it fills", func(i int) map[string]int64 { return map[string]int64{"7": int64(1 + i*768)} }, true},
		{"it hangs after a while", func(i int) map[string]int64 { return map[string]int64{"7": int64(full - max(40-i, 0))} }, true},
		{"both are read", func(i int) map[string]int64 {
			return map[string]int64{"7": full - int64(i%40/39), "8": full - int64(i%50/49)}
		}, false},
		{"nothing waits", func(int) map[string]int64 { return map[string]int64{"7": 0} }, false},
		{"another socket each time", func(i int) map[string]int64 { return map[string]int64{strconv.Itoa(i): full} }, false},
		{"there is none", func(int) map[string]int64 { return nil }, false},
	} {
		var r readers
		for i := range 100 {
			if r = r.saw(tt.queued(i)); i < readersLooks && r.hang() {
				t.Errorf("%s: known after %d looks", tt.name, i+1)
			}
		}
		if r.hang() != tt.hangs {
			t.Errorf("%s: hangs %t", tt.name, r.hang())
		}
	}
}

func FuzzReadLoad(f *testing.F) {
	for i, name := range procFiles() {
		text, err := taken(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), text)
	}
	f.Add(byte(0), []byte("a b:0035 c 18446744073709551616\na :0035 c -1"))
	f.Fuzz(func(t *testing.T, which byte, text []byte) {
		name := procFiles()[int(which)%len(procFiles())]
		l := readWhole(func(n string) ([]byte, error) {
			if n != name {
				return nil, fs.ErrNotExist
			}
			return text, nil
		})
		lines := int64(strings.Count(string(text), "\n") + 1)
		var total int64
		for _, n := range l.conns {
			total += n
		}
		if total > lines || total < 0 || name == "udp" && l.sent != 0 || strings.HasPrefix(name, "tcp") && l.drops != 0 {
			t.Fatalf("%s: %+v", name, l)
		}
		all := []finding{{subject: subject{Network: "udp"}, grade: wrong, why: silent}}
		excuse(slices.Clone(all), load{}, l, 0, nil)
		excuse(all, l, l, math.MaxInt32, nil) // nothing has happened
		if all[0].grade != wrong {
			t.Fatal("excused by nothing")
		}
	})
}
