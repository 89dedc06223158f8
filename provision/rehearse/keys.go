//go:build linux

package rehearse

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// seed is what all made secrets of a rehearsal come from, so that another
// process that knows it makes the same ones. It is kept in a file for root.
type seed [sha256.Size]byte

// derive returns the bytes for one purpose; different purposes tell nothing
// of one another.
func (s seed) derive(purpose string) []byte {
	h := hmac.New(sha256.New, s[:])
	h.Write([]byte(purpose))
	return h.Sum(nil)
}

// password returns a made password of characters that every BMC takes, and
// short enough for those that stop at 20.
func (s seed) password(purpose string) string {
	text := base64.RawURLEncoding.EncodeToString(s.derive(purpose))
	return "Rz1." + strings.NewReplacer("-", "x", "_", "y").Replace(text)[:12]
}

// tsig returns a made transaction key, in Base64 as RFC 8945 keys are written.
func (s seed) tsig(purpose string) string {
	return base64.StdEncoding.EncodeToString(s.derive(purpose))
}

// cookie returns a made secret of server cookies, 128 bits in hexadecimal.
func (s seed) cookie(purpose string) string { return hex.EncodeToString(s.derive(purpose)[:16]) }

// keyPair is a made SSH key: the private half as a file, the public half as
// in authorized_keys.
type keyPair struct{ private, public string }

func (s seed) key(purpose string) (keyPair, error) {
	priv := ed25519.NewKeyFromSeed(s.derive(purpose))
	block, err := ssh.MarshalPrivateKey(priv, purpose)
	if err != nil {
		return keyPair{}, fmt.Errorf("make %s key: %w", purpose, err)
	}
	pub, err := ssh.NewPublicKey(priv.Public())
	if err != nil {
		return keyPair{}, fmt.Errorf("make %s key: %w", purpose, err)
	}
	return keyPair{
		private: string(pem.EncodeToMemory(block)),
		public:  strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))),
	}, nil
}
