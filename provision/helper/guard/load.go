//go:build linux

package guard

import (
	"bufio"
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// load is what the kernel tells of those who ask (proc(5), /proc/net).
type load struct {
	drops int64                // datagrams to port 53 that no buffer had room for
	sent  int64                // datagrams that left here
	conns map[netip.Addr]int64 // connections to port 53 of an address, but for our own
	many  bool                 // there are more connections than are read
	// queued is what waits at each socket of port 53, in bytes, by inode.
	queued map[string]int64
}

// port53 is how the kernel writes it.
const port53 = ":0035"

// maxProc is how much is read of each file: strangers make connections by the
// hundred thousand, and each is a line.
const maxProc = 1 << 20

// datagrams reads what is told of UDP. A file that is not there tells nothing.
func (l *load) datagrams(read func(name string) ([]byte, error)) {
	l.take(read, "snmp", "snmp6")
	l.sockets(read)
}

// sockets reads what is told of those of UDP alone.
func (l *load) sockets(read func(name string) ([]byte, error)) {
	l.queued = map[string]int64{}
	l.take(read, "udp", "udp6")
}

// connections reads what is told of TCP. The kernel goes through a table for it
// that is as large as the machine, and not only this one's part of it.
func (l *load) connections(read func(name string) ([]byte, error)) {
	l.conns = map[netip.Addr]int64{}
	l.take(read, "tcp", "tcp6")
}

func (l *load) take(read func(name string) ([]byte, error), names ...string) {
	for _, name := range names {
		text, err := read(name)
		if err != nil {
			continue
		}
		l.many = l.many || strings.HasPrefix(name, "tcp") && len(text) >= maxProc
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
			f := strings.Fields(s.Text())
			switch {
			case name == "snmp":
				l.snmp(f)
			case name == "snmp6":
				if len(f) == 2 && f[0] == "Udp6OutDatagrams" {
					l.sent += number(f[1])
				}
			case len(f) < 4 || !strings.HasSuffix(f[1], port53):
			case strings.HasPrefix(name, "udp") && len(f) > 9:
				l.drops += number(f[len(f)-1])
				_, waits, _ := strings.Cut(f[4], ":")
				n, _ := strconv.ParseInt(waits, 16, 64)
				if !isLoopback(f[1]) { // such as a resolver's, of which nobody here asks anything
					l.queued[f[9]] = n
				}
			case strings.HasPrefix(name, "tcp") && f[3] == "01" && !isLoopback(f[2]): // ESTABLISHED
				l.conns[kernelAddr(f[1])]++
			}
		}
	}
}

// snmp takes the line "Udp: InDatagrams NoPorts InErrors OutDatagrams …" with
// numbers; the line with the names gives none.
func (l *load) snmp(f []string) {
	if len(f) > 4 && f[0] == "Udp:" {
		l.sent += number(f[4])
	}
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// kernelAddr is an address as the kernel prints it: words of four bytes, each in
// the order of the machine, which is the little one wherever this runs.
func kernelAddr(s string) netip.Addr {
	text, _, _ := strings.Cut(s, ":")
	var b []byte
	for i := 0; i+8 <= len(text); i += 8 {
		w, err := strconv.ParseUint(text[i:i+8], 16, 32)
		if err != nil {
			return netip.Addr{}
		}
		b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}

func isLoopback(s string) bool { return kernelAddr(s).IsLoopback() }

// A crowd is seen where the kernel drops what comes, and the name server goes on
// answering; or where so many connections stand.
const (
	crowdAnswers = 50  // datagrams between two looks, beside our own
	crowdConns   = 100 // connections to one address
)

// readers tell sockets that somebody reads from those that nobody does, whose
// queue only grows. A process that hangs fills its own, which drops what comes as
// a crowd would have it do, beside others that go on.
type readers map[string]reader // by inode

type reader struct {
	queued int64
	unread int // looks since it was seen to be read
}

// Sockets are looked at so often while a question waits, and are known after so
// many looks: in a crowd that is ten times too large one that is read is found
// full nine times of ten.
const (
	readersEvery = 25 * time.Millisecond
	readersLooks = 60
)

// saw takes one look, and returns what is known by now.
func (r readers) saw(queued map[string]int64) readers {
	now := readers{}
	for inode, n := range queued {
		was, known := r[inode]
		if known && n > 0 && n >= was.queued {
			now[inode] = reader{n, was.unread + 1}
		} else {
			now[inode] = reader{queued: n}
		}
	}
	return now
}

// hang reports whether there is a socket that nobody reads.
func (r readers) hang() bool {
	for _, s := range r {
		if s.unread >= readersLooks {
			return true
		}
	}
	return false
}

func (f finding) silent() bool { return f.Network == "udp" && f.why == silent }

func (f finding) silentByTCP() bool { return f.Network == "tcp" && f.why == silent }

// excuse marks what a crowd of strangers brings about: silence of a name server
// that is at work. One that is dead answers nobody, and one of which a process
// hangs leaves a socket to itself.
func excuse(all []finding, before, now load, asked int64, r readers) {
	busy := !r.hang() && now.drops > before.drops && now.sent-before.sent > asked+crowdAnswers
	for i, f := range all {
		switch {
		case f.why != silent:
		case f.Network == "udp" && busy:
			all[i].grade, all[i].why = crowded, "no answer: more is asked than can be answered, and the kernel drops the rest"
		case f.Network == "tcp" && now.many:
			all[i].grade, all[i].why = crowded, "no answer: there are more connections than can be counted"
		case f.Network == "tcp" && now.conns[f.Address] >= crowdConns:
			all[i].grade, all[i].why = crowded, "no answer: "+strconv.FormatInt(now.conns[f.Address], 10)+" connections stand there"
		}
	}
}
