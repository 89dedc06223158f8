//go:build linux

package guard

import (
	"bufio"
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// load is what the kernel tells of those who ask (proc(5), /proc/net).
type load struct {
	drops int64                // datagrams to port 53 that no buffer had room for
	sent  int64                // datagrams that left here
	conns map[netip.Addr]int64 // connections to port 53 of an address, but for our own
	many  bool                 // there are more connections than are read
}

// port53 is how the kernel writes it.
const port53 = ":0035"

// maxProc is how much is read of each file: strangers make connections by the
// hundred thousand, and each is a line.
const maxProc = 1 << 20

// datagrams reads what is told of UDP. A file that is not there tells nothing.
func (l *load) datagrams(read func(name string) ([]byte, error)) {
	l.take(read, "udp", "udp6", "snmp", "snmp6")
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
			case strings.HasPrefix(name, "udp"):
				l.drops += number(f[len(f)-1])
			case f[3] == "01" && !isLoopback(f[2]): // ESTABLISHED
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

func (f finding) silentByTCP() bool { return f.Network == "tcp" && f.why == silent }

// excuse marks what a crowd of strangers brings about: silence of a name server
// that is at work. One that is dead answers nobody.
func excuse(all []finding, before, now load, asked int64) {
	busy := now.drops > before.drops && now.sent-before.sent > asked+crowdAnswers
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
