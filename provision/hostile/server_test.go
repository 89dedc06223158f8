//go:build unix

package hostile_test

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/remote"
)

// server is an SSH server of the library, which behaves where its way does not.
type server struct {
	way    serverWay
	r      *rand.Rand
	config *ssh.ServerConfig
	done   chan struct{}
}

// serverWay is one way to misbehave.
type serverWay struct {
	name string
	// raw misbehaves below SSH.
	raw func(s *server, conn net.Conn)
	// config misbehaves in the login.
	config func(s *server, c *ssh.ServerConfig)
	// conn misbehaves once somebody is logged in, and returns true when it has
	// the channels as well.
	conn func(s *server, c *ssh.ServerConn, chans <-chan ssh.NewChannel) bool
	// session misbehaves in a session, for a request of this kind.
	session func(s *server, ch ssh.Channel, r *ssh.Request)
	// agent is what is behind the socket of the agent; there is no identity
	// then.
	agent func(s *server, conn net.Conn)
	// do is what is asked of it; nil is a command.
	do    func(ctx context.Context, c *remote.Conn) error
	says  string
	limit time.Duration // 0 is 40 s: that of a handshake, and more
}

// TestServer goes each way with a login, and with what raiz asks for.
func TestServer(t *testing.T) {
	watched(t)
	for _, way := range serverWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rand.Rand) { logIn(t, way, r) })
		})
	}
}

func logIn(t *testing.T, way serverWay, r *rand.Rand) {
	s := &server{way: way, r: r, done: make(chan struct{})}
	user, identity := newKey(t)
	host, _ := newKey(t)
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(user.PublicKey().Marshal()) {
			return nil, errors.New("no")
		}
		return nil, nil
	}}
	s.config.AddHostKey(host)
	if way.config != nil {
		way.config(s, s.config)
	}
	login := remote.Login{User: "root", Pin: remote.Pin{Key: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host.PublicKey())))}, IdentityFile: identity}
	if way.agent != nil {
		login.IdentityFile, login.AgentSocket = "", s.listen(t, "unix", s.way.agent)
	}
	at := netip.MustParseAddrPort(s.listen(t, "tcp", s.serve))
	t.Cleanup(func() { close(s.done) })
	limit := way.limit
	if limit == 0 {
		limit = 40 * time.Second
	}
	err := ended(t, limit, func() error {
		conn, err := remote.Dial(context.Background(), remote.Target{Addresses: []netip.AddrPort{at}, Login: login})
		if err != nil {
			return err
		}
		defer conn.Close()
		if way.do == nil {
			_, err = conn.Run(context.Background(), remote.Script{Text: "true", Deadline: 3 * time.Second})
			return err
		}
		return way.do(context.Background(), conn)
	})
	speaks(t, err, way.says)
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return signer, path
}

// listen hands each connection to serve.
func (s *server) listen(t *testing.T, network string, serve func(*server, net.Conn)) string {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "unix" {
		dir, err := os.MkdirTemp("", "agent") // a socket's name may not be long
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		at = filepath.Join(dir, "s")
	}
	l, err := net.Listen(network, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				go func() { <-s.done; _ = conn.Close() }()
				serve(s, conn)
			}()
		}
	}()
	return l.Addr().String()
}

func (s *server) serveOne(conn net.Conn) {
	c, chans, reqs, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go func() {
		for r := range reqs {
			_ = r.Reply(false, nil)
		}
	}()
	if s.way.conn != nil && s.way.conn(s, c, chans) {
		return
	}
	for ch := range chans {
		if ch.ChannelType() != "session" {
			_ = ch.Reject(ssh.Prohibited, paint)
			continue
		}
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				go s.answer(channel, r)
			}
		}()
	}
}

func (s *server) serve(_ *server, conn net.Conn) {
	if s.way.raw != nil {
		s.way.raw(s, conn)
		return
	}
	s.serveOne(conn)
}

// answer is that of a server on which every command does nothing.
func (s *server) answer(ch ssh.Channel, r *ssh.Request) {
	if s.way.session != nil {
		s.way.session(s, ch, r)
		return
	}
	_ = r.Reply(true, nil)
	leave(ch, 0)
}

func leave(ch ssh.Channel, code uint32) {
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
	_ = ch.Close()
}

// drip writes a byte a second.
func (s *server) drip(w io.Writer, text string) {
	for i := 0; ; i++ {
		if _, err := w.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		select {
		case <-s.done:
			return
		case <-time.After(time.Second):
		}
	}
}

// newEd25519 is a host key that nobody has pinned.
func newEd25519() (ed25519.PublicKey, ssh.Signer, error) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	signer, err := ssh.NewSignerFromSigner(key)
	return public, signer, err
}
