//go:build linux

package guard

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper/apart"
)

// TestReadersOfTheKernel has a name server of two processes in a network of its
// own, more asked of it than it can take, and one of the two hang; and looks at
// its sockets as a guard does.
func TestReadersOfTheKernel(t *testing.T) {
	if !apart.Network(t) {
		return
	}
	const at = "192.0.2.53"
	if out, err := exec.Command("sh", "-ec", "ip link set lo up; ip address add "+at+"/32 dev lo").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	reuse := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		if err == nil {
			err = failed
		}
		return err
	}}
	listen := func(address string) net.PacketConn {
		c, err := reuse.ListenPacket(t.Context(), "udp", address+":53")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	busy, hanging := listen(at), listen(at)
	go func() {
		// Slower than what comes: its queue is full as well.
		for buf := make([]byte, 512); ctx.Err() == nil; time.Sleep(time.Millisecond) {
			if _, _, err := busy.ReadFrom(buf); err != nil {
				return
			}
		}
	}()
	go flood(ctx, at+":53")
	// Of one that listens elsewhere, and reads nothing, nobody asks anything.
	listen("127.0.0.53")
	go flood(ctx, "127.0.0.53:53")

	read := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("/proc/self/net", name)) }
	var before, now load
	look := func() bool {
		before.sockets(read)
		var r readers
		for range 2 * readersLooks {
			now = load{}
			now.sockets(read)
			r = r.saw(now.queued)
			time.Sleep(readersEvery) // between two looks
		}
		return r.hang()
	}
	if !look() || len(now.queued) != 2 || now.drops <= before.drops {
		t.Fatalf("one of two hangs, and it is not seen: %+v, before %+v", now, before)
	}
	if err := hanging.Close(); err != nil {
		t.Fatal(err)
	}
	before = load{}
	if look() || len(now.queued) != 1 || now.drops <= before.drops {
		t.Errorf("who is left reads what it can, in a crowd: %+v, before %+v", now, before)
	}
}

// flood sends from many ports, each of which one process hears.
func flood(ctx context.Context, to string) {
	var from []net.Conn
	for range 32 {
		if c, err := net.Dial("udp", to); err == nil {
			from = append(from, c)
		}
	}
	for i := 0; ctx.Err() == nil && len(from) > 0; i++ {
		_, _ = from[i%len(from)].Write(make([]byte, 40))
		if i%200 == 0 {
			time.Sleep(time.Millisecond) // others want the processor too
		}
	}
	for _, c := range from {
		_ = c.Close()
	}
}
