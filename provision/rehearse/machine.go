//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// bootLimit is how long a machine may take to boot. One and a half seconds
// are usual; a busy CI runner is given more.
const bootLimit = 90 * time.Second

// Machine is a Debian that boots systemd in a container. What it writes lies
// in an upper layer of its own and outlives Kill.
type Machine struct {
	name    string // also its host name towards nspawn
	root    string // where its file system is mounted
	console string // what it said, of all boots
	group   cgroup
	netns   Netns
	// on and off, when there are any, connect it before it boots and take its
	// interfaces away with its power.
	on, off func(context.Context) error
}

// enclose is run in a mount namespace of its own: systemd in a container wants
// the unified hierarchy, where the machine we run on may have version 1. /sys
// is made private first, because a mount must not travel back. What is there
// already cannot be mounted over itself. How the machine ended is written down
// for whoever is there then: it may outlive us. The shell that waits for that
// is in a cgroup beside the machine's, which must hold none but it.
const enclose = `ended=$1
exec 3>"$2/cgroup.procs" || exit
shift 2
[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] ||
{ mount --make-rprivate /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup; } || exit
sh -c 'echo $$ >&3 && exec 3>&- && exec "$@"' sh "$@"; echo $? >"$ended.new" && mv "$ended.new" "$ended"`

// reroot is run before it inside a chroot: there "/" is no mount point, so
// that nspawn could not change how it propagates. It is made one.
const reroot = `mount --rbind / "$1" && exec chroot "$@"`

// Root is the machine's file system as seen from here.
func (m *Machine) Root() string { return m.root }

// Console returns what the machine's console showed so far.
func (m *Machine) Console() (string, error) {
	text, err := os.ReadFile(m.console)
	return string(text), err
}

// Running reports whether any process of it runs.
func (m *Machine) Running() bool { return m.group.populated() }

// Boot powers it on and returns when systemd has started everything it was to
// start; a unit that failed does not keep it from having booted.
func (m *Machine) Boot(ctx context.Context) error {
	if m.Running() {
		return fmt.Errorf("boot %s: it is running", m.name)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bootLimit, errors.New("it took too long"))
	defer cancel()
	if m.on != nil {
		if err := m.on(ctx); err != nil {
			return fmt.Errorf("boot %s: %w", m.name, err)
		}
	}
	if err := m.start(); err != nil {
		return fmt.Errorf("boot %s: %w", m.name, err)
	}
	last := errors.New("nothing was heard of it")
	err := await(ctx, "systemd", func() (bool, error) {
		if !m.Running() {
			return false, errors.New("it stopped")
		}
		var out string
		out, last = m.Run(ctx, "systemctl", "is-system-running", "--wait")
		state := strings.TrimSpace(out)
		return state == "running" || state == "degraded", nil
	})
	if err != nil {
		said, _ := m.Console()
		return fmt.Errorf("boot %s: %w: %w\nits console ended with:\n%s", m.name, err, last, lastLines(strings.TrimSpace(said), 15))
	}
	return nil
}

// start sets the container going and leaves it alone: it is nobody's to wait
// for, because it may outlive us.
func (m *Machine) start() error {
	if err := m.group.remove(); err != nil {
		return err
	}
	console, err := os.OpenFile(m.console, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer console.Close()
	if err := os.Remove(m.endFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	argv := []string{"sh", "-c", enclose, "sh", m.endFile(), string(m.group),
		"systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--settings=no",
		"--directory=" + m.root, "--machine=" + m.name, "--network-namespace-path=" + m.netns.Path(),
		"--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--drop-capability=CAP_SYS_TIME",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only", "--setenv=TERM=dumb", "--boot",
		"systemd.show_status=1", "systemd.log_color=0"}
	chroot, err := m.chrootDir()
	if err != nil {
		return err
	}
	if chroot != "" {
		argv = append([]string{"sh", "-c", reroot, "sh", chroot}, argv...)
	}
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "unchanged", "--"}, argv...)...)
	// Without the variable /proc/sys/net is read-only inside.
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	cmd.Stdout, cmd.Stderr = console, console
	if err := (m.group + "/wait").start(cmd); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // only so that no zombie stays while we live
	return nil
}

// chrootDir returns a directory to make a mount point of "/" with, or "" where
// "/" is one already.
func (m *Machine) chrootDir() (string, error) {
	mounts, err := readMounts()
	if err != nil {
		return "", err
	}
	for _, mnt := range mounts {
		if mnt.path == "/" {
			return "", nil
		}
	}
	dir := filepath.Join(filepath.Dir(m.root), "chroot")
	return dir, os.MkdirAll(dir, 0o755)
}

// Kill cuts the power: every process is gone at once, with no chance to tidy
// up, and so are the server's interfaces. What had been written stays.
func (m *Machine) Kill(ctx context.Context) error {
	if m.Running() {
		if err := m.group.kill(ctx); err != nil {
			return err
		}
	}
	if err := os.Remove(m.endFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kill %s: %w", m.name, err)
	}
	// Also after it has stopped by itself: its namespace outlives it.
	if m.off == nil || !m.netns.exists() {
		return nil
	}
	return m.off(ctx)
}

// Command returns a command that runs inside the booted machine. It is in its
// PID namespace, which the kernel ends with the machine's first process.
func (m *Machine) Command(ctx context.Context, argv ...string) (*exec.Cmd, error) {
	init := m.Init()
	if init == "" {
		return nil, fmt.Errorf("run %s on %s: it has not booted", argv[0], m.name)
	}
	return command(ctx, confined(append([]string{"nsenter", "--target=" + init,
		// Its root and directory are named too: where we live in a chroot, its
		// mount namespace has the outer machine's root.
		"--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--",
		"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "TERM=dumb",
	}, argv...)...)...), nil
}

// Run runs a command inside the booted machine and returns what it printed.
func (m *Machine) Run(ctx context.Context, argv ...string) (string, error) {
	cmd, err := m.Command(ctx, argv...)
	if err != nil {
		return "", err
	}
	return output(cmd)
}

// Write puts a file into the machine, running or not. The path is absolute
// inside it.
func (m *Machine) Write(path string, mode fs.FileMode, text string) error {
	return writeBelow(m.root, path, mode, text)
}

// enable has a unit started at boot, as systemctl does, on a machine that is
// not running.
func (m *Machine) enable(unit string) error {
	link := filepath.Join(m.root, "etc/systemd/system/multi-user.target.wants", unit)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fmt.Errorf("enable %s: %w", unit, err)
	}
	if err := os.Symlink("/lib/systemd/system/"+unit, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("enable %s: %w", unit, err)
	}
	return nil
}

// disable is the reverse of enable.
func (m *Machine) disable(unit string) error {
	err := os.Remove(filepath.Join(m.root, "etc/systemd/system/multi-user.target.wants", unit))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disable %s: %w", unit, err)
	}
	return nil
}
