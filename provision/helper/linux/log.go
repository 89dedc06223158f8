//go:build linux

package linux

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/state"
)

// The log of raiz on a server, and how long it may get before it is begun anew;
// the one before is kept.
const (
	logFile = state.Home + "/log"
	maxLog  = 1 << 20
)

// Log implements helper.Machine. A disk that is full or read-only has no room
// for it.
func (machine) Log(line string) {
	if st, err := os.Lstat(logFile); err == nil && st.Size() > maxLog {
		_ = os.Rename(logFile, logFile+".old")
	}
	f, err := os.OpenFile(logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(oneLine(line) + "\n")
}
