package verify

import "github.com/miekg/dns"

// ReadUDP is what reads the answers that a server has collected.
func ReadUDP(lines []string, qs []Question, sent []*dns.Msg) map[Question]Answer {
	return readUDP(lines, qs, sent)
}

// ReadClock reads what chronyc says.
func ReadClock(lines []string) ServerEvidence {
	var e ServerEvidence
	readClock(&e, lines)
	return e
}

// LookScript is what runs on the server.
func LookScript() string { return lookScript }
