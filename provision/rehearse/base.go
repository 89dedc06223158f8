//go:build linux

package rehearse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// recipe is all that decides how a base tree looks. Its hash names the tree.
type recipe struct {
	suite    string
	packages []string          // sorted
	files    map[string]string // by path below the tree
	absent   []string          // removed after the packages are in, as globs
}

// debian is the server as remote hands leave it: a minimal Debian with what
// the default component packs declare, nothing of it running.
func debian(extra []string) recipe {
	packages := append([]string{
		"bash", "bird2", "ca-certificates", "chrony", "dbus", "iproute2", "iputils-ping", "ldnsutils",
		"libpam-systemd", "netbase", "nftables", "nsd", "openssh-server", "procps", "sudo", "systemd", "systemd-sysv",
	}, extra...)
	slices.Sort(packages)
	return recipe{
		suite:    "bookworm",
		packages: slices.Compact(packages),
		files: map[string]string{
			// All namespaces share one clock: chronyd may look at it but must not
			// turn it. As a vendor drop-in it stays out of /etc, which is raiz's.
			"usr/lib/systemd/system/chrony.service.d/rehearsal.conf": "[Unit]\nConditionCapability=\n\n" +
				"[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\n",
			"etc/ssh/sshd_config.d/10-installer.conf": "PasswordAuthentication no\n",
		},
		absent: []string{
			// Installed is not started: these are enabled by their packages.
			"etc/systemd/system/multi-user.target.wants/bird.service",
			"etc/systemd/system/multi-user.target.wants/chrony.service",
			"etc/systemd/system/multi-user.target.wants/e2scrub_reap.service",
			"etc/systemd/system/multi-user.target.wants/nsd.service",
			"etc/systemd/system/chronyd.service",
			// Timers that would reach for the archive or the disks.
			"etc/systemd/system/timers.target.wants/*",
			// Each machine gets its own.
			"etc/hostname", "etc/machine-id", "etc/resolv.conf", "etc/ssh/ssh_host_*",
		},
	}
}

// hash names the tree; a changed recipe makes a new one.
func (r recipe) hash() string {
	h := sha256.New()
	fmt.Fprintln(h, r.suite, r.packages, r.absent)
	for _, path := range sortedKeys(r.files) {
		fmt.Fprintf(h, "%s\n%s\n", path, r.files[path])
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// cacheDir is where base trees are kept between rehearsals.
func cacheDir() (string, error) {
	if dir := os.Getenv("RAIZ_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache directory: %w: set RAIZ_CACHE to one", err)
	}
	return filepath.Join(dir, "raiz"), nil
}

// baseTree returns the tree of a recipe, building it when it is not there.
// Whoever comes second waits for the first.
func baseTree(ctx context.Context, r recipe, group cgroup, progress func(string)) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make cache directory: %w: set RAIZ_CACHE to another one", err)
	}
	tree := filepath.Join(cache, "base-"+r.hash())
	unlock, err := lock(ctx, tree+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(tree); err == nil {
		return tree, nil
	}
	progress("build a Debian " + r.suite + " tree in " + cache + ": once, half a minute to a few")
	return tree, r.build(ctx, group, tree)
}

// build makes the tree under another name first: a tree that has its name is
// whole.
func (r recipe) build(ctx context.Context, group cgroup, tree string) (err error) {
	temp := tree + ".new"
	clear := func() error { return errors.Join(unmountBelow(temp), os.RemoveAll(temp)) }
	if err := clear(); err != nil { // of a build that died; we hold the lock
		return fmt.Errorf("remove unfinished tree: %w", err)
	}
	defer func() {
		if err != nil {
			// What mmdebstrap started may outlive it, and must not write on.
			err = errors.Join(err, group.kill(context.WithoutCancel(ctx)), clear())
		}
	}()
	cmd := command(ctx, "mmdebstrap", "--variant=minbase", "--format=directory",
		"--include="+strings.Join(r.packages, ","), r.suite, temp)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err = group.start(cmd); err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("build base tree with mmdebstrap: %w: %s\nthe Debian archive must be reachable, and debian-archive-keyring installed", err, lastLines(strings.TrimSpace(said.String()), 5))
	}
	for _, pattern := range r.absent {
		found, _ := filepath.Glob(filepath.Join(temp, pattern))
		for _, path := range found {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("trim base tree: %w", err)
			}
		}
	}
	for _, path := range sortedKeys(r.files) {
		if err := writeFile(filepath.Join(temp, path), 0o644, r.files[path]); err != nil {
			return err
		}
	}
	if err := os.Rename(temp, tree); err != nil {
		return fmt.Errorf("keep base tree: %w", err)
	}
	return nil
}

// lock takes an advisory lock, waiting for another process that has it.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	err = await(ctx, "lock "+path, func() (bool, error) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// writeFile writes a file with exactly that mode, and the directories above.
func writeFile(path string, mode fs.FileMode, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
