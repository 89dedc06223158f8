//go:build linux

package linux

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Now implements helper.Machine.
func (machine) Now() time.Time { return time.Now() }

// Uptime implements helper.Machine. It goes on while the machine sleeps.
func (machine) Uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // no Linux that has openat2 lacks that clock
	}
	return time.Duration(t.Nano())
}

// BootID implements helper.Machine.
func (machine) BootID() string { return strings.TrimSpace(head("/proc/sys/kernel/random/boot_id")) }

// Sleep implements helper.Machine.
func (machine) Sleep(d time.Duration) { time.Sleep(d) }

// Packages implements helper.Machine.
func (machine) Packages(names []string) (map[string]string, error) {
	found := map[string]string{}
	if len(names) == 0 {
		return found, nil
	}
	asked := map[string]bool{}
	for _, n := range names {
		asked[n] = true
	}
	argv := append([]string{"dpkg-query", "-W", "-f", `${Package} ${db:Status-Status} ${Version}\n`, "--"}, names...)
	out, err := ask(queryTime, argv...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // one of them is unknown, which is an answer (dpkg-query(1))
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		// A name may be a pattern to dpkg, but is none to us.
		if w := strings.Fields(line); len(w) == 3 && w[1] == "installed" && asked[w[0]] {
			found[w[0]] = w[2]
		}
	}
	return found, nil
}

// System implements helper.Machine.
func (machine) System() helper.System {
	s := helper.System{Arch: runtime.GOARCH}
	s.Hostname, _ = os.Hostname()
	values := map[string]string{}
	for line := range strings.Lines(head("/etc/os-release")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[name] = strings.Trim(value, `"'`) // os-release(5)
	}
	s.OS = strings.TrimSpace(values["ID"] + " " + values["VERSION_ID"])
	return s
}

// head is the beginning of a file of the system's, or nothing.
func head(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, maxSaid))
	return string(text)
}
