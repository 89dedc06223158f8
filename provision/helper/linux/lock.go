//go:build linux

package linux

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Pauses between two looks at a lock. flock(2) waits without a limit.
const (
	lockPause = 50 * time.Millisecond
	// lockWords is how long whoever has just taken a lock may need to write
	// down who it is.
	lockWords = time.Second
)

// Lock implements helper.Machine. The descriptor is closed in whatever is run
// meanwhile, so that no daemon that was started holds the lock for ever.
func (machine) Lock(path, who string, wait time.Duration) (func(), error) {
	for end := time.Now().Add(wait); ; time.Sleep(lockPause) {
		f, err := lockFile(path)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil && same(f, path):
			// A full or read-only disk costs the words and not the lock.
			_ = f.Truncate(0)
			_, _ = f.WriteAt(fmt.Appendf(nil, "%d %s since %s\n", os.Getpid(), oneLine(who), time.Now().UTC().Format(time.RFC3339)), 0)
			return sync.OnceFunc(func() { _ = f.Truncate(0); _ = f.Close() }), nil
		case err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if err != nil && time.Now().After(end) {
			defer f.Close()
			return nil, fmt.Errorf("%w by %s", helper.ErrLocked, holder(f))
		}
		_ = f.Close()
	}
}

// lockFile opens the file of a lock, or makes it. On a disk that cannot be
// written to, one that is there can be locked all the same.
func lockFile(path string) (*os.File, error) {
	p, err := open(path)
	if err != nil {
		return nil, err
	}
	defer p.close()
	f, err := p.openat("lock", unix.O_RDWR|unix.O_CREAT|unix.O_NONBLOCK)
	if errors.Is(err, unix.EROFS) {
		return p.openat("lock", unix.O_RDONLY|unix.O_NONBLOCK)
	}
	return f, err
}

// same reports whether a path still names an open file.
func same(f *os.File, path string) bool {
	have, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(have, now)
}

// holder says who has a lock. What stands in the file may be of somebody who
// was killed, before the one who has it now could write.
func holder(f *os.File) string {
	for end := time.Now().Add(lockWords); time.Now().Before(end); time.Sleep(lockPause / 5) {
		text := make([]byte, 4096)
		n, _ := f.ReadAt(text, 0)
		number, words, _ := strings.Cut(oneLine(string(text[:n])), " ")
		if words = strings.TrimSpace(words); strings.HasPrefix(words, "since ") {
			words = "somebody " + words // who has no name
		}
		if pid, err := strconv.Atoi(number); err == nil && words != "" && unix.Kill(pid, 0) == nil {
			return words + " (process " + number + ")"
		}
	}
	return "somebody who has not said who"
}
