package remote

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"
)

// HostKey is the host key that somebody showed who has not been trusted yet.
type HostKey struct {
	Address     netip.AddrPort
	Key         string // "ssh-ed25519 AAAA…", as Login.HostKey has it
	Fingerprint string // "SHA256:…", as ssh-keygen -l prints it
}

// errSeen ends a handshake once the key has been seen.
var errSeen = errors.New("the host key has been seen")

// ScanHostKey goes as far with the first address of t that answers as to see its
// host key, and hangs up: no user name and no key of ours is sent to it. The
// jump hosts on the way are logged in to, and have to be pinned.
func ScanHostKey(ctx context.Context, t Target) (HostKey, error) {
	return look(ctx, t, hostKeyAlgorithms(), func(string, net.Addr, ssh.PublicKey) error { return nil })
}

// VerifyHostKey goes as far as ScanHostKey, and returns nil when the key is the pinned
// one of t. Its errors are those of Dial.
func VerifyHostKey(ctx context.Context, t Target) error {
	pins, err := parsePin(t.Login.Pin)
	if err != nil {
		return err
	}
	_, err = look(ctx, t, pins.algorithms(), pins.accept)
	return err
}

// look reads the host key of the first of the addresses that shows one of
// these kinds which is accepted.
func look(ctx context.Context, t Target, kinds []string, accept ssh.HostKeyCallback) (HostKey, error) {
	if len(t.Addresses) == 0 {
		return HostKey{}, errors.New("look at server: no address to dial")
	}
	dial, hops, err := throughHops(ctx, t)
	if err != nil {
		return HostKey{}, err
	}
	defer closeAll(hops)
	shake := func(ctx context.Context, raw net.Conn, addr netip.AddrPort) (HostKey, error) {
		return lookAt(ctx, raw, addr, kinds, accept)
	}
	seen, _, err := race(ctx, dial, t.Addresses, shake, func(HostKey) {})
	return seen, err
}

func lookAt(ctx context.Context, raw net.Conn, addr netip.AddrPort, kinds []string, accept ssh.HostKeyCallback) (HostKey, error) {
	var seen ssh.PublicKey
	config := &ssh.ClientConfig{
		Config: algorithms(),
		HostKeyCallback: func(name string, at net.Addr, key ssh.PublicKey) error {
			if err := accept(name, at, key); err != nil {
				return err
			}
			seen = key
			return errSeen
		},
		HostKeyAlgorithms: kinds,
		ClientVersion:     "SSH-2.0-raiz",
	}
	client, err := handshake(ctx, raw, addr.String(), config)
	if client != nil {
		_ = client.Close()
	}
	if seen == nil {
		return HostKey{}, err
	}
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(seen)))
	return HostKey{Address: addr, Key: key, Fingerprint: ssh.FingerprintSHA256(seen)}, nil
}
