//go:build linux

package rehearse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// cgroup is a directory of the unified hierarchy. Processes are started right
// into one, so that it names exactly those that are ours: killing by it can
// never hit a stranger that was given a recycled process ID.
type cgroup string

// cgroupRoot returns where the unified hierarchy is mounted. A machine whose
// controllers are all on version 1 still has one, and gets it mounted under
// /run when nobody else did.
func cgroupRoot() (string, error) {
	mounts, err := readMounts()
	if err != nil {
		return "", err
	}
	for _, m := range mounts {
		if m.kind == "cgroup2" {
			return m.path, nil
		}
	}
	dir := filepath.Join(filepath.Dir(runDir), "cgroup2")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make cgroup mount point: %w", err)
	}
	if err := unix.Mount("cgroup2", dir, "cgroup2", 0, ""); err != nil {
		return "", fmt.Errorf("mount cgroup2 on %s: %w: a container needs to be privileged for this", dir, err)
	}
	return dir, nil
}

// make creates the directory.
func (c cgroup) make() error {
	if err := os.MkdirAll(string(c), 0o755); err != nil {
		return fmt.Errorf("make cgroup: %w", err)
	}
	return nil
}

// start makes the directory and has a command begin its life in it. The
// command gets a session of its own, so that a Ctrl-C meant for us, who then
// end it in good order, does not reach it.
func (c cgroup) start(cmd *exec.Cmd) error {
	if err := c.make(); err != nil {
		return err
	}
	dir, err := os.Open(string(c))
	if err != nil {
		return fmt.Errorf("enter cgroup: %w", err)
	}
	defer dir.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	return cmd.Start()
}

// populated reports whether a process is left in it.
func (c cgroup) populated() bool {
	text, err := os.ReadFile(filepath.Join(string(c), "cgroup.events"))
	return err == nil && strings.Contains(string(text), "populated 1")
}

// kill ends every process in it and below at once, as a power cut does, and
// returns when the last is gone.
func (c cgroup) kill(ctx context.Context) error {
	err := os.WriteFile(filepath.Join(string(c), "cgroup.kill"), []byte("1"), 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Stat(string(c)); errors.Is(gone, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("kill %s: this kernel has no cgroup.kill: Linux 5.14 or newer is needed", c)
	}
	if err != nil {
		return fmt.Errorf("kill %s: %w", c, err)
	}
	return await(ctx, "the end of "+filepath.Base(string(c)), func() (bool, error) { return !c.populated(), nil })
}

// remove deletes the directory and all below; processes must be gone.
func (c cgroup) remove() error {
	var dirs []string
	err := filepath.WalkDir(string(c), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	slices.Reverse(dirs)
	for _, dir := range dirs {
		err = errors.Join(err, unix.Rmdir(dir))
	}
	if err != nil {
		return fmt.Errorf("remove cgroup %s: %w", c, err)
	}
	return nil
}

// processes returns the IDs of the processes right in it.
func (c cgroup) processes() []string {
	text, err := os.ReadFile(filepath.Join(string(c), "cgroup.procs"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// mount is one line of mountinfo.
type mount struct{ path, kind string }

// readMounts returns what is mounted as this process sees it, in order.
func readMounts() ([]mount, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w: mount -t proc proc /proc", err)
	}
	defer f.Close()
	var all []mount
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// proc(5): the fields before " - " end in optional ones.
		left, right, ok := strings.Cut(lines.Text(), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if ok && len(l) > 4 && len(r) > 0 {
			all = append(all, mount{path: strings.ReplaceAll(l[4], `\040`, " "), kind: r[0]})
		}
	}
	return all, nil
}
