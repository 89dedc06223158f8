package remote

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Sight is the host key that somebody showed who has not been trusted yet.
type Sight struct {
	Address     netip.AddrPort
	Key         string // "ssh-ed25519 AAAA…", as Login.HostKey has it
	Fingerprint string // "SHA256:…", as ssh-keygen -l prints it
}

// errSeen ends a handshake once the key has been seen.
var errSeen = errors.New("the host key has been seen")

// Greet goes as far with the first address of t that answers as to see its
// host key, and hangs up: no user name and no key of ours is sent to it. The
// jump hosts on the way are logged in to, and have to be pinned.
func Greet(ctx context.Context, t Target) (Sight, error) {
	if len(t.Addresses) == 0 {
		return Sight{}, errors.New("greet server: no address to dial")
	}
	dial, hops, err := throughHops(ctx, t)
	if err != nil {
		return Sight{}, err
	}
	defer closeAll(hops)
	sight, _, err := race(ctx, dial, t.Addresses, look, func(Sight) {})
	return sight, err
}

// look reads the host key of one server.
func look(ctx context.Context, raw net.Conn, addr netip.AddrPort) (Sight, error) {
	var seen ssh.PublicKey
	config := &ssh.ClientConfig{
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return errSeen
		},
		// Servers have several; the shortest of them that is as good goes
		// into the site file.
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
		ClientVersion:     "SSH-2.0-raiz",
	}
	client, err := handshake(ctx, raw, addr.String(), config)
	if client != nil {
		_ = client.Close()
	}
	if seen == nil {
		return Sight{}, err
	}
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(seen)))
	return Sight{Address: addr, Key: key, Fingerprint: ssh.FingerprintSHA256(seen)}, nil
}
