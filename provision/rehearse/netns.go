//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps named namespaces.
const netnsDir = "/run/netns"

// Netns is a network namespace with a name that iproute2 knows.
type Netns struct{ Name string }

// Path is the file that stands for the namespace.
func (n Netns) Path() string { return filepath.Join(netnsDir, n.Name) }

// DialContext connects from inside the namespace. The address must be a
// literal one, because only then is the socket made by this very thread; it
// stays in the namespace afterwards, whoever uses it.
func (n Netns) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := literal(address); err != nil {
		return nil, err
	}
	var conn net.Conn
	err := n.Do(func() (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens inside the namespace, on a literal address.
func (n Netns) Listen(network, address string) (net.Listener, error) {
	if err := literal(address); err != nil {
		return nil, err
	}
	var l net.Listener
	err := n.Do(func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}

// ListenPacket opens a datagram socket inside the namespace, on a literal
// address.
func (n Netns) ListenPacket(network, address string) (net.PacketConn, error) {
	if err := literal(address); err != nil {
		return nil, err
	}
	var c net.PacketConn
	err := n.Do(func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	})
	return c, err
}

// Command returns a command that runs with this machine's files and the
// namespace's network, without the capability to set the clock.
func (n Netns) Command(ctx context.Context, argv ...string) *exec.Cmd {
	return command(ctx, confined(append([]string{"nsenter", "--net=" + n.Path(), "--"}, argv...)...)...)
}

// Do runs fn on a thread that is in the namespace. The thread is never
// unlocked, so it ends with the goroutine and no other code can ever run on it.
func (n Netns) Do(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- n.enter(fn)
	}()
	return <-done
}

func (n Netns) enter(fn func() error) error {
	f, err := os.Open(n.Path())
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	return fn()
}

// add makes the namespace with its loopback up.
func (n Netns) add(ctx context.Context) error {
	if _, err := run(ctx, "ip", "netns", "add", n.Name); err != nil {
		return err
	}
	return n.ip(ctx, "link", "set", "lo", "up")
}

// remove deletes the namespace with all that is in it; one that is not there
// is fine.
func (n Netns) remove(ctx context.Context) error {
	if !n.exists() {
		return nil
	}
	_, err := run(ctx, "ip", "netns", "del", n.Name)
	return err
}

func (n Netns) exists() bool {
	_, err := os.Lstat(n.Path())
	return !errors.Is(err, fs.ErrNotExist)
}

// ip runs iproute2 on the namespace. Its own -n makes a mount namespace too,
// which a chroot refuses; nsenter enters the network alone.
func (n Netns) ip(ctx context.Context, args ...string) error {
	_, err := run(ctx, append([]string{"nsenter", "--net=" + n.Path(), "--", "ip"}, args...)...)
	return err
}

// sysctl sets a key below net. to a value.
func (n Netns) sysctl(key, value string) error {
	path := "/proc/sys/net/" + strings.ReplaceAll(key, ".", "/")
	return n.Do(func() error {
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			return fmt.Errorf("set net.%s in %s: %w", key, n.Name, err)
		}
		return nil
	})
}

func literal(address string) error {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return fmt.Errorf("use %q inside a namespace: only a literal address and port can be: %w", address, err)
	}
	return nil
}
