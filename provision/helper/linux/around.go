//go:build linux

package linux

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/server"
)

// Failed implements helper.Surroundings.
func (machine) Failed() ([]string, error) {
	out, err := ask(queryTime, "systemctl", "list-units", "--state=failed", "--all", "--plain", "--no-legend", "--full")
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) > 0 {
			names = append(names, f[0])
		}
	}
	return names, nil
}

// Disk implements helper.Surroundings.
func (machine) Disk(path string) (server.Disk, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return server.Disk{}, fmt.Errorf("look at the file system of %s: %w", path, err)
	}
	size := uint64(st.Frsize)
	return server.Disk{
		Path: path, Bytes: st.Blocks * size, Free: st.Bavail * size, Files: st.Files, FreeFile: st.Ffree,
		ReadOnly: st.Flags&unix.ST_RDONLY != 0,
	}, nil
}

// States of a socket in proc_net_tcp: it listens, and of UDP it has no other side.
const (
	listens     = "0A"
	unconnected = "07"
)

// Sockets implements helper.Surroundings.
func (machine) Sockets() ([]server.Socket, error) {
	var out []server.Socket
	inodes := map[string][]int{} // indices in out
	for _, table := range []struct{ file, network, state string }{
		{"tcp", "tcp", listens}, {"tcp6", "tcp", listens}, {"udp", "udp", unconnected}, {"udp6", "udp", unconnected},
	} {
		text, err := os.ReadFile("/proc/net/" + table.file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("look at sockets: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != table.state {
				continue
			}
			at, err := local(f[1])
			if err != nil || at.Addr().IsLoopback() {
				continue
			}
			s := server.Socket{Network: table.network, At: at}
			if !slices.Contains(out, s) {
				inodes[f[9]] = append(inodes[f[9]], len(out))
				out = append(out, s)
			}
		}
	}
	name(out, inodes)
	return out, nil
}

// local reads an address as the kernel prints it: words of four bytes in the
// order of the machine, then the port.
func local(text string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, ok := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is no address of a socket", text)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}

// name finds the programs that have sockets open. One whose program is not seen
// has no name.
func name(sockets []server.Socket, inodes map[string][]int) {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		to, err := os.Readlink(fd)
		inode, is := strings.CutPrefix(to, "socket:[")
		if err != nil || !is {
			continue
		}
		for _, i := range inodes[strings.TrimSuffix(inode, "]")] {
			if sockets[i].Program == "" {
				sockets[i].Program = strings.TrimSpace(head(filepath.Join(filepath.Dir(filepath.Dir(fd)), "comm")))
			}
		}
	}
}
