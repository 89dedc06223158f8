//go:build unix

package remote_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/raiz-dns/raiz/provision/remote"
)

// newAgent is an ssh-agent that holds keys. ended tells of each connection to
// it that has come to its end.
func newAgent(t *testing.T, keys ...any) (socket string, ended <-chan struct{}) {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's name may not be long
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	done := make(chan struct{}, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = agent.ServeAgent(ring, c)
				done <- struct{}{}
			}()
		}
	}()
	return socket, done
}

func TestAgent(t *testing.T) {
	const passphrase = "planted-passphrase"
	onEach(t, func(t *testing.T, s station) {
		pem, err := os.ReadFile(s.identity)
		if err != nil {
			t.Fatal(err)
		}
		right, err := ssh.ParseRawPrivateKey(pem)
		if err != nil {
			t.Fatal(err)
		}
		block, err := ssh.MarshalPrivateKeyWithPassphrase(right, "", []byte(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		locked := writePEM(t, block)
		wrong := func() any { return newKey(t, ssh.KeyAlgoED25519) }
		many := func() []any { return []any{wrong(), wrong(), wrong(), wrong(), wrong(), wrong(), wrong()} }
		tests := []struct {
			name     string
			identity string
			held     []any
			is       error
		}{
			{"the agent alone", "", []any{wrong(), right}, nil},
			{"the agent has another key", "", []any{wrong()}, remote.ErrAuth},
			{"the agent has none", "", nil, remote.ErrAuth},
			{"an identity besides", s.identity, []any{wrong()}, nil},
			{"an identity goes before the many keys of an agent", s.identity, many(), nil},
			{"an identity with a passphrase, which the agent has", locked, []any{right}, nil},
			{"an identity with a passphrase goes before the others, too", locked, append(many(), right), nil},
			{"an identity with a passphrase, which the agent has not", locked, []any{wrong()}, remote.ErrAuth},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				socket, ended := newAgent(t, tt.held...)
				target := s.target()
				target.Login.IdentityFile, target.Login.AgentSocket = tt.identity, socket
				conn, err := remote.Dial(t.Context(), target)
				if !errors.Is(err, tt.is) || tt.is == nil && err != nil {
					t.Fatalf("got %v, want %v", err, tt.is)
				}
				// Whatever comes of it, the agent is let go.
				<-ended
				if err != nil {
					if strings.Contains(err.Error(), passphrase) {
						t.Errorf("tells the passphrase: %v", err)
					}
					return
				}
				defer conn.Close()
				if _, err := conn.Run(t.Context(), remote.Script{Text: "true"}); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// An agent that is not there matters only where nothing else is.
func TestAgentIsGone(t *testing.T) {
	s := newInProcess(t)
	target := s.target()
	target.Login.AgentSocket = filepath.Join(t.TempDir(), "gone")
	_ = dial(t, target)
	target.Login.IdentityFile = ""
	if _, err := remote.Dial(t.Context(), target); !errors.Is(err, remote.ErrAuth) {
		t.Errorf("without an identity: %v", err)
	}
}

// What is behind the socket need not be an agent.
func TestAgentIsNone(t *testing.T) {
	s := newInProcess(t)
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-none\r\n"))
			_ = c.Close()
		}
	}()
	target := s.target()
	target.Login.AgentSocket = l.Addr().String()
	_ = dial(t, target)
}
