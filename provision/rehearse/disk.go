//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// layer puts a machine's own layer onto the base tree and mounts both.
func (m *Machine) layer(ctx context.Context, base, disk string, kind Disk) error {
	dir := filepath.Join(disk, m.name)
	if kind == DiskJournaled {
		if err := m.format(ctx, dir); err != nil {
			return err
		}
	}
	if err := m.mountRoot(base, dir); err != nil {
		return err
	}
	switch kind {
	case DiskReadOnlyEtc:
		// systemd-fstab-generator makes it a part of local-fs.target.
		return m.Write("/etc/fstab", 0o644, "/etc /etc none bind,ro 0 0\n")
	case DiskVar:
		return m.layerVar(ctx, dir+"-var")
	}
	return nil
}

// layerVar moves /var to a disk of its own. It is mounted from outside, before
// the machine boots, because a container may not have a block device;
// systemd-nspawn takes what is mounted below its root along.
func (m *Machine) layerVar(ctx context.Context, dir string) error {
	if err := m.format(ctx, dir); err != nil {
		return err
	}
	inside := filepath.Join(m.root, "var")
	if _, err := run(ctx, "cp", "--archive", inside+"/.", dir); err != nil {
		return fmt.Errorf("make disk of %s: %w", m.name, err)
	}
	if err := unix.Mount(dir, inside, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount /var of %s: %w", m.name, err)
	}
	return nil
}

func (m *Machine) mountRoot(base, dir string) error {
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{upper, work, m.root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("make disk of %s: %w", m.name, err)
		}
	}
	if strings.ContainsAny(base+upper, `,:\`) {
		return fmt.Errorf("make disk of %s: the path %s has a comma, colon or backslash: set RAIZ_CACHE to another", m.name, upper)
	}
	options := "lowerdir=" + base + ",upperdir=" + upper + ",workdir=" + work
	if err := unix.Mount("overlay", m.root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount disk of %s: %w: the kernel needs overlay (modprobe overlay), and the cache a file system that can carry one: set RAIZ_CACHE", m.name, err)
	}
	return nil
}

// makeDisk returns a directory that can hold upper layers. An overlay cannot
// be the upper layer of another, and network file systems cannot either;
// there a tmpfs takes its place.
func (t *Testbed) makeDisk(parent string) (string, error) {
	disk := filepath.Join(parent, "machines", t.ID)
	if err := os.Symlink(disk, filepath.Join(t.dir(), "disk")); err != nil {
		return "", fmt.Errorf("remember disk: %w", err)
	}
	if err := os.MkdirAll(disk, 0o700); err != nil {
		return "", fmt.Errorf("make disk: %w", err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(disk, &fs); err != nil {
		return "", fmt.Errorf("look at %s: %w", disk, err)
	}
	fit := []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC}
	if slices.Contains(fit, int64(fs.Type)) {
		return disk, nil
	}
	if err := unix.Mount("raiz", disk, "tmpfs", 0, "mode=0700"); err != nil {
		return "", fmt.Errorf("mount disk: %w", err)
	}
	return disk, nil
}

// unmountBelow unmounts all that is mounted at or below a directory, the
// innermost first.
func unmountBelow(dir string) error {
	mounts, err := readMounts()
	if err != nil {
		return err
	}
	slices.Reverse(mounts)
	for _, m := range mounts {
		if m.path != dir && !strings.HasPrefix(m.path, dir+"/") {
			continue
		}
		e := unix.Unmount(m.path, 0)
		if errors.Is(e, unix.EBUSY) {
			// Somebody looks into it still; it goes when they do.
			e = unix.Unmount(m.path, unix.MNT_DETACH)
		}
		if e != nil {
			err = errors.Join(err, fmt.Errorf("unmount %s: %w", m.path, e))
		}
	}
	return err
}

// removeDisk undoes makeDisk and newMachine.
func removeDisk(disk string) error {
	if disk == "" {
		return nil
	}
	return errors.Join(unmountBelow(disk), os.RemoveAll(disk))
}
