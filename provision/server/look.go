package server

import (
	"errors"
	"fmt"
	"net/netip"
)

// LookRequest asks for all that can be seen on a server and changes nothing:
// facts, what programs print, what name servers answer to the server itself,
// and which way its answers leave. What hangs keeps nothing else from being
// heard.
type LookRequest struct {
	Probe     ProbeRequest  `json:"probe"`
	Commands  []Command     `json:"commands,omitempty"`
	Questions []DNSQuestion `json:"questions,omitempty"`
	Ways      []WayQuestion `json:"ways,omitempty"`
	// Seconds is how long each command may take, and each question be without
	// an answer.
	Seconds int `json:"seconds"`
}

// Command is a program to run without a shell.
type Command struct {
	Argv []string `json:"argv"`
}

// DNSQuestion is a message to send from the server, byte for byte.
type DNSQuestion struct {
	Network string `json:"network"` // "udp" or "tcp"
	// Source leaves the kernel to choose when it is zero. Any other makes To
	// one that has to be on this very server: elsewhere another copy of an
	// anycast address might answer.
	Source  netip.Addr     `json:"source,omitzero"`
	To      netip.AddrPort `json:"to"`
	Message []byte         `json:"message"`
	// Flow tells questions apart that leave from ports of their own: a name
	// server of several processes has each port heard by one of them
	// (SO_REUSEPORT, socket(7)).
	Flow int `json:"flow,omitempty"`
}

// WayQuestion asks by which link a packet would leave. Nothing is sent.
type WayQuestion struct {
	From netip.Addr `json:"from"`
	To   netip.Addr `json:"to"`
}

// Looked is what a look has seen besides the facts: as many answers of each
// kind as there were questions, in their order.
type Looked struct {
	Printed []Printed   `json:"printed,omitempty"`
	Heard   []DNSAnswer `json:"heard,omitempty"`
	Ways    []Way       `json:"ways,omitempty"`
}

// Printed is what a command has printed, on both streams, as it came.
type Printed struct {
	Output  []byte  `json:"output,omitempty"`
	Cut     bool    `json:"cut,omitempty"` // it printed more than is told
	Problem Problem `json:"problem,omitempty"`
	Text    string  `json:"text,omitempty"` // of ProblemFailed; an exit code other than 0 is one
}

// DNSAnswer is the message that came back, or why none did.
type DNSAnswer struct {
	Message []byte  `json:"message,omitempty"`
	Problem Problem `json:"problem,omitempty"`
	Text    string  `json:"text,omitempty"` // of ProblemFailed
}

// Way is the route that a packet would take, or why there is none.
type Way struct {
	Route *Route `json:"route,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Problem is why there is no answer, or not all of one.
type Problem string

// The problems.
const (
	ProblemSilent      Problem = "silent"      // it did not end, or nothing came back, in time
	ProblemAbsent      Problem = "absent"      // there is no such program
	ProblemElsewhere   Problem = "elsewhere"   // the address that was to be asked is not on this server
	ProblemRefused     Problem = "refused"     // nobody listens there
	ProblemUnreachable Problem = "unreachable" // no way leads there
	ProblemClosed      Problem = "closed"      // the connection was ended without an answer
	ProblemTooMuch     Problem = "too-much"    // all the answers together are more than is told
	ProblemFailed      Problem = "failed"      // something else, see Text
)

// Bounds of a look. All that is told stays below what remote reads of a server.
const (
	maxCommands = 256
	maxWays     = 1024
	maxPatience = 30    // seconds
	minMessage  = 12    // a header (RFC 1035 section 4.1.1)
	maxMessage  = 65535 // RFC 1035 section 4.2.2
	maxText     = 4096

	// MaxQuestions is how many DNS messages are sent.
	MaxQuestions = 8192

	// MaxPrinted is how much is told of what one command prints, and
	// MaxAllPrinted of what all do.
	MaxPrinted    = 256 << 10
	MaxAllPrinted = 1 << 20
	// MaxAllHeard is how much is told of all DNS answers.
	MaxAllHeard = 4 << 20
)

func (l *LookRequest) check() error {
	if len(l.Commands) > maxCommands || len(l.Questions) > MaxQuestions || len(l.Ways) > maxWays {
		return errors.New("it asks for too much")
	}
	if l.Seconds < 1 || l.Seconds > maxPatience {
		return fmt.Errorf("%d seconds are not between 1 and %d", l.Seconds, maxPatience)
	}
	for _, c := range l.Commands {
		if err := c.check(); err != nil {
			return err
		}
	}
	for i, q := range l.Questions {
		if err := q.check(); err != nil {
			return fmt.Errorf("question %d: %w", i, err)
		}
	}
	for _, w := range l.Ways {
		if err := pair(w.From, w.To); err != nil {
			return fmt.Errorf("way: %w", err)
		}
	}
	return l.Probe.check()
}

func (l *FirstLook) check() error {
	if l == nil {
		return nil
	}
	return (&LookRequest{Commands: l.Commands, Seconds: l.Seconds}).check()
}

func (c Command) check() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return errors.New("a command without a program")
	}
	return command(c.Argv)
}

func (q DNSQuestion) check() error {
	if q.Network != "udp" && q.Network != "tcp" {
		return fmt.Errorf("there is no transport %.40q", q.Network)
	}
	if q.To.Port() == 0 {
		return errors.New("it goes to no port")
	}
	if n := len(q.Message); n < minMessage || n > maxMessage {
		return fmt.Errorf("a message of %d bytes is not between %d and %d", n, minMessage, maxMessage)
	}
	if !q.Source.IsValid() {
		return pair(q.To.Addr(), q.To.Addr())
	}
	return pair(q.Source, q.To.Addr())
}

// pair holds two addresses to one family, and to what means the same on every
// machine.
func pair(from, to netip.Addr) error {
	for _, a := range []netip.Addr{from, to} {
		if !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			return fmt.Errorf("%.80q is no address of IPv4 or of IPv6 without a zone", a.String())
		}
	}
	if from.Is4() != to.Is4() {
		return fmt.Errorf("%s and %s are of two families", from, to)
	}
	return nil
}

func (l *Looked) check() error {
	if l == nil {
		return nil
	}
	if len(l.Printed) > maxCommands || len(l.Heard) > MaxQuestions || len(l.Ways) > maxWays {
		return fmt.Errorf("%w: it tells more than anybody asks for", ErrAnswer)
	}
	for _, p := range l.Printed {
		if len(p.Output) > MaxPrinted || len(p.Text) > maxText {
			return fmt.Errorf("%w: a command prints %d bytes", ErrAnswer, len(p.Output))
		}
	}
	for _, a := range l.Heard {
		if len(a.Message) > maxMessage || len(a.Text) > maxText {
			return fmt.Errorf("%w: a DNS message of %d bytes", ErrAnswer, len(a.Message))
		}
	}
	for _, w := range l.Ways {
		if len(w.Text) > maxText {
			return fmt.Errorf("%w: a way of %d bytes", ErrAnswer, len(w.Text))
		}
	}
	return nil
}
