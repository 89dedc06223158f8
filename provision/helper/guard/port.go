//go:build linux

package guard

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Ports below 1024 are root's, and of whom root lets: the firewall drops every
// other one on its way to the feed, so that nobody on this server announces in
// the guard's place.
const (
	firstReserved = 600 // below are those of services
	reserved      = 1024 - firstReserved
)

// fromReserved binds a socket to such a port of an address.
func fromReserved(source netip.Addr) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		err := errors.New("no port is free")
		if failed := c.Control(func(fd uintptr) { err = bind(int(fd), source) }); failed != nil {
			return failed
		}
		return err
	}
}

func bind(fd int, source netip.Addr) (err error) {
	from := rand.IntN(reserved)
	for i := range reserved {
		port := firstReserved + (from+i)%reserved
		var at unix.Sockaddr = &unix.SockaddrInet4{Port: port, Addr: source.As4()}
		if err = unix.Bind(fd, at); !errors.Is(err, unix.EADDRINUSE) {
			return err
		}
	}
	return err
}
