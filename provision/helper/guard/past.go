//go:build linux

package guard

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/watch"
)

// pastName is what systemd calls the past of a guard, which it keeps while it
// starts the guard again (sd_notify(3), FDSTORE). No directory would do: those
// that outlast a service which is started again are shut to others, who read
// the status there.
const pastName = "past"

// maxPast is how much of it is read.
const maxPast = 1 << 20

// past is what a guard has to know of the one before it in the same boot: a file
// without a name.
type past struct {
	file *os.File
	has  string
}

// openPast takes over the past that systemd has kept, or has it keep one.
func openPast() (*past, error) {
	for _, f := range activation.Files(true) {
		if f.Name() == pastName {
			return &past{file: f}, nil
		}
	}
	fd, err := unix.MemfdCreate(pastName, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	p := &past{file: os.NewFile(uintptr(fd), pastName)}
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return p, nil // nobody starts it again
	}
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return p, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(socket)
	text := []byte("FDSTORE=1\nFDNAME=" + pastName)
	if err := unix.Sendmsg(socket, text, unix.UnixRights(fd), &unix.SockaddrUnix{Name: address}, unix.MSG_NOSIGNAL); err != nil {
		return p, fmt.Errorf("tell systemd: %w", err)
	}
	return p, nil
}

// blocks are those of the guard before. What cannot be read tells nothing.
func (p *past) blocks() []watch.BlockStatus {
	if p == nil {
		return nil
	}
	text, err := io.ReadAll(io.NewSectionReader(p.file, 0, maxPast))
	var all []watch.BlockStatus
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

// keep writes blocks down where they differ from what it has. One that fails, or
// is ended meanwhile, loses the past and nothing else.
func (p *past) keep(all []watch.BlockStatus) {
	if p == nil {
		return
	}
	for i := range all { // since when and why is told elsewhere, and changes
		all[i] = watch.BlockStatus{Prefix: all[i].Prefix, State: all[i].State, Fell: all[i].Fell}
	}
	text, err := json.Marshal(all)
	if err != nil || string(text) == p.has {
		return
	}
	p.has = string(text)
	if p.file.Truncate(0) == nil {
		_, _ = p.file.WriteAt(text, 0)
	}
}
