package remote

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/raiz-dns/raiz/provision/secret"
)

// clientConfig returns the configuration for one login, and its keys, which are
// closed once the handshake is over.
func clientConfig(l Login) (*ssh.ClientConfig, *keys, error) {
	pins, err := parsePin(l.Pin)
	if err != nil {
		return nil, nil, err
	}
	keys, err := newKeys(l)
	if err != nil {
		return nil, nil, err
	}
	return &ssh.ClientConfig{
		Config:            algorithms(),
		User:              l.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeysCallback(keys.signers)},
		HostKeyCallback:   pins.accept,
		HostKeyAlgorithms: pins.algorithms(),
		ClientVersion:     "SSH-2.0-raiz",
	}, keys, nil
}

// keys are what one login may offer: the identity, then what the agent holds.
type keys struct {
	identity    ssh.Signer       // nil when there is none, or the agent alone can use it
	elsewhere   ssh.PublicKey    // of an identity that the agent alone can use, where it tells
	certificate *ssh.Certificate // of the identity; nil without one
	socket      string
	ask         sync.Once // several addresses may be tried at once
	offered     []ssh.Signer
	agent       net.Conn // open while signatures may be asked for
}

func newKeys(l Login) (*keys, error) {
	k := &keys{socket: l.AgentSocket}
	if l.IdentityFile == "" {
		if l.AgentSocket == "" {
			return nil, errors.New("no ssh key to log in with: set ssh.identity, or start an agent")
		}
		return k, nil
	}
	text, err := secret.ReadNamed(l.IdentityFile) // the name comes from a site file
	if err != nil {
		return nil, fmt.Errorf("read ssh identity %s: %w", l.IdentityFile, err)
	}
	if err := k.read(text, l); err != nil {
		return nil, err
	}
	public := k.elsewhere
	if k.identity != nil {
		public = k.identity.PublicKey()
	}
	if public != nil {
		k.certificate, err = certificateOf(public, l.IdentityFile+"-cert.pub")
	}
	return k, err
}

// read takes what a private key file has. Of a key with a passphrase, and of one
// in a FIDO2 device, the agent makes the signatures.
func (k *keys) read(text []byte, l Login) error {
	var locked *ssh.PassphraseMissingError
	var err error
	k.identity, err = ssh.ParsePrivateKey(text)
	inDevice := deviceKey(text)
	switch {
	case errors.As(err, &locked) && l.AgentSocket == "":
		return fmt.Errorf("ssh identity %s has a passphrase: add it to an agent with ssh-add", l.IdentityFile)
	case errors.As(err, &locked): // the agent has it, or the server refuses and says so
		k.elsewhere = locked.PublicKey
	case inDevice != nil && l.AgentSocket == "":
		return fmt.Errorf("ssh identity %s is a key in a FIDO2 device: add it to an agent with ssh-add", l.IdentityFile)
	case inDevice != nil:
		k.identity, k.elsewhere = nil, inDevice
	case err != nil:
		return fmt.Errorf("ssh identity %s: %w", l.IdentityFile, err)
	}
	if k.identity == nil {
		return nil
	}
	kind := k.identity.PublicKey().Type()
	if k.identity = withoutSHA1(k.identity); k.identity == nil {
		return fmt.Errorf("ssh identity %s: %s signs with SHA-1 alone; make a new key with ssh-keygen -t ed25519", l.IdentityFile, kind)
	}
	return nil
}

// deviceKey is the public key of a file that stands for a key in a FIDO2 device
// (PROTOCOL.u2f and PROTOCOL.key of OpenSSH); nil for any other.
func deviceKey(text []byte) ssh.PublicKey {
	block, _ := pem.Decode(text)
	const magic = "openssh-key-v1\x00"
	if block == nil || !bytes.HasPrefix(block.Bytes, []byte(magic)) {
		return nil
	}
	var file struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public               []byte
		Rest                 []byte `ssh:"rest"`
	}
	if ssh.Unmarshal(block.Bytes[len(magic):], &file) != nil {
		return nil
	}
	key, err := ssh.ParsePublicKey(file.Public)
	if err != nil || key.Type() != ssh.KeyAlgoSKED25519 && key.Type() != ssh.KeyAlgoSKECDSA256 {
		return nil
	}
	return key
}

// certificateOf is the certificate that lies beside a key, as ssh(1) looks for it;
// nil where there is none. One that does not hold any more is better said here
// than by a server that refuses and does not say why.
func certificateOf(key ssh.PublicKey, file string) (*ssh.Certificate, error) {
	text, err := secret.ReadNamed(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read ssh certificate %s: %w", file, err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(text)
	cert, ok := public.(*ssh.Certificate)
	if err != nil || !ok {
		return nil, fmt.Errorf("ssh certificate %s: not a certificate; ssh-keygen -L -f shows one", file)
	}
	bad := func(why string) error {
		return fmt.Errorf("ssh certificate %s %s; have the key signed anew, or take the certificate away", file, why)
	}
	switch {
	case !sameKey(cert.Key, key):
		return nil, bad("is of another key than the one beside it")
	case cert.CertType != ssh.UserCert:
		return nil, bad("is one for hosts")
	}
	if why := outOfTime(cert); why != "" {
		return nil, bad(why)
	}
	return cert, nil
}

// outOfTime says why a certificate does not hold today, or "".
func outOfTime(cert *ssh.Certificate) string {
	now := uint64(time.Now().Unix())
	switch {
	case now < cert.ValidAfter:
		return "holds from " + day(cert.ValidAfter) + " on, by the clock of this machine"
	case cert.ValidBefore != ssh.CertTimeInfinity && now >= cert.ValidBefore:
		return "held until " + day(cert.ValidBefore)
	}
	return ""
}

func day(seconds uint64) string { return time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) }

// signers asks the agent, which need not be there when an identity is. The
// key that is meant comes first: servers stop listening after a few.
func (k *keys) signers() ([]ssh.Signer, error) {
	k.ask.Do(func() { k.offered = k.inOrder() })
	return k.offered, nil
}

// prints are the fingerprints of what was offered, those of authorities with "CA "
// in front.
func (k *keys) prints() []string {
	var out []string
	for _, s := range k.offered {
		key, cert := unwrapped(s.PublicKey())
		if cert != nil {
			out = append(out, "CA "+ssh.FingerprintSHA256(cert.SignatureKey))
		}
		if print := ssh.FingerprintSHA256(key); !slices.Contains(out, print) {
			out = append(out, print)
		}
	}
	return out
}

func (k *keys) inOrder() []ssh.Signer {
	var first, rest []ssh.Signer
	if k.identity != nil {
		first = k.certified(k.identity)
	}
	for _, s := range k.held() {
		if s = withoutSHA1(s); s == nil {
			continue
		}
		if key, _ := unwrapped(s.PublicKey()); k.elsewhere != nil && sameKey(key, k.elsewhere) {
			first = append(first, k.certified(s)...)
			continue
		}
		rest = append(rest, s)
	}
	return append(first, rest...)
}

// certified is a key of ours, with the certificate in front where there is one.
func (k *keys) certified(s ssh.Signer) []ssh.Signer {
	if _, cert := unwrapped(s.PublicKey()); cert != nil || k.certificate == nil {
		return []ssh.Signer{s}
	}
	signed, err := ssh.NewCertSigner(k.certificate, s)
	if err != nil {
		return []ssh.Signer{s} // it is of another key, which was looked at before
	}
	return []ssh.Signer{signed, s}
}

// unwrapped is a key without its certificate, and that. What an agent holds is a
// key of the agent's until it is parsed.
func unwrapped(key ssh.PublicKey) (ssh.PublicKey, *ssh.Certificate) {
	if held, ok := key.(*agent.Key); ok {
		if parsed, err := ssh.ParsePublicKey(held.Blob); err == nil {
			key = parsed
		}
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key, cert
	}
	return key, nil
}

func (k *keys) held() []ssh.Signer {
	if k.socket == "" {
		return nil
	}
	raw, err := net.DialTimeout("unix", k.socket, listTime)
	if err != nil {
		return nil
	}
	conn := &prompt{raw, listTime}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		_ = conn.Close()
		return nil
	}
	conn.limit = agentTime
	k.agent = conn
	return signers
}

// How long an agent may take to say which keys it holds, and to sign: it may ask
// a person first, who has as long as the handshake.
const (
	listTime  = 10 * time.Second
	agentTime = handshakeTimeout
)

// prompt is a connection to an agent, which has its limit for each answer: the
// login waits for it and for nothing else, so that no end of the connection to
// the server would end that wait.
type prompt struct {
	net.Conn
	limit time.Duration
}

// Write implements net.Conn. The agent is asked by what is written.
func (p *prompt) Write(b []byte) (int, error) {
	if err := p.SetDeadline(time.Now().Add(p.limit)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

// close ends the connection to the agent. Nobody asks it any more after that.
func (k *keys) close() {
	k.ask.Do(func() {})
	if k.agent != nil {
		_ = k.agent.Close()
	}
}
