//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Disk says what the server's own layer lies on.
type Disk string

const (
	// DiskLayered is a directory of this machine: the cheapest. What was
	// written is there after Kill, flushed or not.
	DiskLayered Disk = ""
	// DiskJournaled is an ext4 of its own, so that CutPower can lose what had
	// not been flushed. It needs mkfs.ext4 and a loop device.
	DiskJournaled Disk = "journaled"
	// DiskReadOnlyEtc is layered, and a mount of the server makes its /etc
	// read-only at boot: root is told EROFS there.
	DiskReadOnlyEtc Disk = "read-only-etc"
	// DiskVar is layered, and /var is an ext4 of its own: nothing can be
	// renamed or linked from there to elsewhere (EXDEV). It needs what
	// DiskJournaled does.
	DiskVar Disk = "var"
)

// diskSize bounds what a server can write; the file is sparse.
const diskSize = 4 << 30

// fsShutdown is FS_IOC_SHUTDOWN of linux/fs.h, and withoutFlush the flag that
// keeps even the journal from being written.
const (
	fsShutdown   = 0x8004587d
	withoutFlush = 2
)

// format makes the file system that a machine's layer lies on.
func (m *Machine) format(ctx context.Context, dir string) error {
	if err := os.WriteFile(dir+".ext4", nil, 0o600); err != nil {
		return fmt.Errorf("make disk of %s: %w", m.name, err)
	}
	if err := os.Truncate(dir+".ext4", diskSize); err != nil {
		return fmt.Errorf("make disk of %s: %w", m.name, err)
	}
	if _, err := run(ctx, "mkfs.ext4", "-q", "-F", "-E", "nodiscard", dir+".ext4"); err != nil {
		return fmt.Errorf("make disk of %s: %w: apt-get install e2fsprogs", m.name, err)
	}
	return m.mountDisk(ctx, dir)
}

func (m *Machine) mountDisk(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("mount disk of %s: %w", m.name, err)
	}
	if _, err := run(ctx, "mount", "-t", "ext4", "-o", "loop", dir+".ext4", dir); err != nil {
		return fmt.Errorf("mount disk of %s: %w", m.name, err)
	}
	return nil
}

// CutPower is Kill in earnest: what the server had written and not flushed is
// lost too. The file system is shut down at once, without its journal, then
// mounted anew as after a power failure. Boot powers it on again.
func (t *Testbed) CutPower(ctx context.Context) error {
	return t.cutPower(ctx, func(string) error { return nil })
}

// KeepDisk takes the server's power, after its disk was flushed, and lays a
// copy of the disk aside. Boot powers it on again.
func (t *Testbed) KeepDisk(ctx context.Context) error {
	if _, err := t.Server.Run(ctx, "sync"); err != nil {
		return fmt.Errorf("keep disk of the server: %w", err)
	}
	return t.cutPower(ctx, func(file string) error { return copySparse(ctx, file, file+".kept") })
}

// RestoreDisk takes the server's power, and gives it the disk back that
// KeepDisk had laid aside. Boot powers it on again.
func (t *Testbed) RestoreDisk(ctx context.Context) error {
	return t.cutPower(ctx, func(file string) error { return copySparse(ctx, file+".kept", file) })
}

// copySparse copies a disk of which little is in use.
func copySparse(ctx context.Context, from, to string) error {
	_, err := run(ctx, "cp", "--sparse=always", from, to)
	return err
}

// cutPower does something with the file of the disk while nobody has it.
func (t *Testbed) cutPower(ctx context.Context, meanwhile func(file string) error) error {
	dir := filepath.Join(t.disk(), t.Server.name)
	if _, err := os.Stat(dir + ".ext4"); err != nil {
		return errors.New("cut power of the server: its disk cannot lose anything: build the rehearsal with DiskJournaled")
	}
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cut power of the server: %w", err)
	}
	err = unix.IoctlSetPointerInt(int(f.Fd()), fsShutdown, withoutFlush)
	f.Close()
	if err != nil {
		return fmt.Errorf("cut power of the server: shut down %s: %w", dir, err)
	}
	if err := t.Server.Kill(ctx); err != nil {
		return err
	}
	// Other machines have copies of these mounts in namespaces of their own.
	// Removing the directory ends a mount in all of them.
	for _, path := range []string{t.Server.root, dir} {
		if err := errors.Join(unmountBelow(path), os.Remove(path)); err != nil {
			return fmt.Errorf("cut power of the server: %w", err)
		}
	}
	err = await(ctx, "the end of the old disk", func() (bool, error) { return !attached(dir + ".ext4"), nil })
	if err != nil {
		return fmt.Errorf("cut power of the server: %w", err)
	}
	if err := meanwhile(dir + ".ext4"); err != nil {
		return fmt.Errorf("cut power of the server: %w", err)
	}
	if err := t.Server.mountDisk(ctx, dir); err != nil {
		return err
	}
	return t.Server.mountRoot(t.Base, dir)
}

// attached reports whether a loop device still has the file.
func attached(file string) bool {
	devices, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, d := range devices {
		text, err := os.ReadFile(d)
		if err == nil && strings.TrimSpace(string(text)) == file {
			return true
		}
	}
	return false
}
