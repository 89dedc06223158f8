//go:build linux

package rehearse

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

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

// writeBelow writes a file of a tree and nothing outside of it: a link of the
// tree that leads out is one of this machine.
func writeBelow(tree, path string, mode fs.FileMode, text string) error {
	fail := func(err error) error { return fmt.Errorf("write %s below %s: %w", path, tree, err) }
	root, err := os.OpenRoot(tree)
	if err != nil {
		return fail(err)
	}
	defer root.Close()
	name := strings.TrimPrefix(path, "/")
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fail(err)
	}
	if err := root.WriteFile(name, []byte(text), mode); err != nil {
		return fail(err)
	}
	if err := root.Chmod(name, mode); err != nil {
		return fail(err)
	}
	return nil
}
