//go:build linux

package guard

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// fakeMachine is what a guard runs on: a name server that is right until it is
// told otherwise, and a clock.
type fakeMachine struct {
	*nameServer
	mu      sync.Mutex
	began   time.Time
	problem map[string]server.Problem // of questions, by network
	looks   int
	waits   bool // in vain, as long as one does for what is silent
	run     func(argv []string) (string, error)
}

// Now implements Machine.
func (m *fakeMachine) Now() time.Time { return time.Now() }

// Uptime implements Machine.
func (m *fakeMachine) Uptime() time.Duration { return time.Since(m.began) }

// Run implements Machine.
func (m *fakeMachine) Run(argv []string, _ time.Duration) (string, error) {
	if m.run == nil {
		return "", errors.New("no such program")
	}
	return m.run(argv)
}

// Ask implements Machine.
func (m *fakeMachine) Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	if m.waits && m.problem["udp"] == server.ProblemSilent {
		m.mu.Unlock()
		time.Sleep(limit)
		m.mu.Lock()
	}
	out := m.nameServer.Ask(questions, limit)
	for i, q := range questions {
		if p := m.problem[q.Network]; p != "" {
			out[i] = server.DNSAnswer{Problem: p}
		}
	}
	return out
}

func (m *fakeMachine) looked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.looks
}

// turn is what becomes of every question from now on; nothing for an answer.
func (m *fakeMachine) turn(p server.Problem) { m.turnTo(map[string]server.Problem{"udp": p, "tcp": p}) }

func (m *fakeMachine) turnUDP(p server.Problem) { m.turnTo(map[string]server.Problem{"udp": p}) }

func (m *fakeMachine) turnTo(problem map[string]server.Problem) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.problem = problem
}

// toldTo is what a guard says to people and to systemd.
type toldTo struct {
	mu     sync.Mutex
	text   bytes.Buffer
	states []string
}

func (o *toldTo) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *toldTo) notify(state string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.states = append(o.states, state)
}

func (o *toldTo) said() (text string, states []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.states
}

// guardOn is a guard with files of its own, and no routing daemon.
func guardOn(t *testing.T, c watch.Config) (*Guard, *fakeMachine, *toldTo) {
	t.Helper()
	m := &fakeMachine{nameServer: &nameServer{t: t}, began: time.Now().Add(-time.Hour)}
	out := &toldTo{}
	g := New(m, c, out, out.notify)
	d := t.TempDir()
	g.files = files{drain: filepath.Join(d, "drained"), passing: filepath.Join(d, "passing"), hold: filepath.Join(d, "hold"), sync: filepath.Join(d, "sync"), home: d, proc: d}
	g.feed.dial = func() net.Dialer { return net.Dialer{} }
	return g, m, out
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
