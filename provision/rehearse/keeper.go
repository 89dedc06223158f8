//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// What systemd does on these signals (systemd(1), SIGRTMIN+4 and +5 of glibc):
// what a power button asks for, and no program inside is needed to pass it on.
const (
	askPowerOff = unix.Signal(34 + 4)
	askReboot   = unix.Signal(34 + 5)
)

// rebooted is what systemd-nspawn ends with when the machine has rebooted and
// whoever started it has to do so again.
const rebooted = "133"

// keeper stands for the board of the server: it switches what its controller
// is told to, and when the machine has ended by its own order it takes its
// interfaces away, and boots it again after a reboot. It lives as long as the
// simulated BMC does, in the same process.
type keeper struct {
	server *Machine
	end    context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex // one at a time has its hand on the power
	booting sync.Mutex // held while a reboot is under way
}

// keepServer starts to look after the server, until close.
func (t *Testbed) keepServer() *keeper {
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{server: t.Server, end: cancel}
	k.wait.Go(func() { k.watch(ctx) })
	return k
}

func (k *keeper) close() {
	if k == nil {
		return
	}
	k.end()
	k.wait.Wait()
}

// powered is what a BMC tells: a machine that reboots is on all the time.
func (k *keeper) powered() bool {
	if !k.booting.TryLock() {
		return true
	}
	defer k.booting.Unlock()
	return k.server.Running() || k.server.ended() == rebooted
}

// watch waits for the machine to end by its own order. It asks: what ended may
// be the child of a process that is gone.
func (k *keeper) watch(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if k.server.ended() != "" && !k.server.Running() {
				k.note("after it ended", k.followEnd(ctx))
			}
		}
	}
}

func (k *keeper) followEnd(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	code := k.server.ended()
	if code == "" || k.server.Running() {
		return nil // somebody was faster
	}
	if code != rebooted {
		return k.server.Kill(ctx)
	}
	k.booting.Lock()
	defer k.booting.Unlock()
	return errors.Join(k.server.Kill(ctx), k.server.Boot(ctx))
}

// reset does what a client has asked the BMC for, by ResetType of Redfish's
// schema Resource.
func (k *keeper) reset(ctx context.Context, kind string) {
	switch kind {
	case "GracefulShutdown":
		k.note(kind, k.server.signal(askPowerOff))
		return
	case "GracefulRestart":
		k.note(kind, k.server.signal(askReboot))
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case kind == "ForceOff":
		k.note(kind, k.server.Kill(ctx))
	case kind == "On" && !k.server.Running():
		k.note(kind, k.server.Boot(ctx))
	case kind == "ForceRestart":
		k.booting.Lock()
		defer k.booting.Unlock()
		k.note(kind, errors.Join(k.server.Kill(ctx), k.server.Boot(ctx)))
	}
}

// note says on the machine's console what went wrong with its power; there is
// nobody else to be told.
func (k *keeper) note(what string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	if f, openErr := os.OpenFile(k.server.console, os.O_APPEND|os.O_WRONLY, 0); openErr == nil {
		fmt.Fprintf(f, "raiz: power of %s, %s: %v\n", k.server.name, what, err)
		_ = f.Close() // nothing more can be done
	}
}

// endFile holds what systemd-nspawn ended with; it is there once it has.
func (m *Machine) endFile() string { return filepath.Join(filepath.Dir(m.root), "ended") }

// ended returns the exit code that the machine ended with by its own order, or
// "": it runs, or its power was cut.
func (m *Machine) ended() string {
	text, err := os.ReadFile(m.endFile())
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Init is the number of the machine's first process, as seen from here, or ""
// where it has not booted: another one after each boot.
func (m *Machine) Init() string {
	init := (m.group + "/payload/init.scope").processes()
	if len(init) == 0 {
		return ""
	}
	return init[0]
}

// signal asks the machine's systemd. One that has not come so far does not
// hear it, as a press of the button is lost on a machine that has not booted.
func (m *Machine) signal(s unix.Signal) error {
	pid, err := strconv.Atoi(m.Init())
	if err != nil {
		return errors.New("it has not booted, and nothing in it listens")
	}
	if err := unix.Kill(pid, s); err != nil {
		return fmt.Errorf("signal its systemd: %w", err)
	}
	return nil
}
