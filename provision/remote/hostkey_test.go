//go:build unix

package remote_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/remote"
)

// TestScanHostKey sees the host key of a server and tells it nothing: no user name,
// no key of ours.
func TestScanHostKey(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 4)
	config := &ssh.ServerConfig{
		NoClientAuthCallback: func(c ssh.ConnMetadata) (*ssh.Permissions, error) {
			told <- c.User()
			return nil, nil
		},
		NoClientAuth: true,
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			told <- c.User() + " " + key.Type()
			return nil, nil
		},
	}
	config.AddHostKey(signer)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _, _, _ = ssh.NewServerConn(c, config)
			_ = c.Close()
		}
	}()
	at := netip.MustParseAddrPort(ln.Addr().String())
	seen, err := remote.ScanHostKey(t.Context(), remote.Target{Addresses: []netip.AddrPort{at}})
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	<-ended
	want := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	if seen.Key != want || seen.Fingerprint != ssh.FingerprintSHA256(signer.PublicKey()) || seen.Address != at {
		t.Errorf("got %+v, want %s", seen, want)
	}
	select {
	case s := <-told:
		t.Errorf("it was told %q", s)
	default:
	}
}

// TestVerifyHostKey tells the pinned server from others, without logging in.
func TestVerifyHostKey(t *testing.T) {
	onEach(t, func(t *testing.T, s station) {
		for _, kind := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA} {
			target := s.target()
			target.Login = remote.Login{Pin: remote.Pin{Key: s.hostKeys[kind]}} // no user, no key
			if err := remote.VerifyHostKey(t.Context(), target); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			target.Login.Pin.Key = line(signer(t, newKey(t, kind)).PublicKey())
			if err := remote.VerifyHostKey(t.Context(), target); !errors.Is(err, remote.ErrHostKey) {
				t.Errorf("another %s key: %v", kind, err)
			}
		}
		target := s.target()
		target.Addresses = []netip.AddrPort{closedPort(t)}
		err := remote.VerifyHostKey(t.Context(), target)
		if !errors.Is(err, remote.ErrUnreachable) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody there: %v", err)
		}
		target.Login.Pin.Key = ""
		if err := remote.VerifyHostKey(t.Context(), target); err == nil || !strings.Contains(err.Error(), "no pinned host key") {
			t.Errorf("no key: %v", err)
		}
	})
}

func TestScanHostKeyNobody(t *testing.T) {
	refuse := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	for _, target := range []remote.Target{{}, {Addresses: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:22")}, Dial: refuse}} {
		if s, err := remote.ScanHostKey(t.Context(), target); err == nil {
			t.Errorf("it saw %+v", s)
		}
	}
}
