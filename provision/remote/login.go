package remote

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/raiz-dns/raiz/provision/secret"
)

// clientConfig returns the configuration for one login, and its keys, which are
// closed once the handshake is over. Only algorithms of the pinned key's own type are
// offered: otherwise a server with several keys may answer with one that is
// right but not the pinned one (golang/go#29286).
func clientConfig(l Login) (*ssh.ClientConfig, *keys, error) {
	pinned, err := parsePinned(l.HostKey)
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
		HostKeyCallback:   pin(pinned),
		HostKeyAlgorithms: algorithmsFor(pinned.Type()),
		ClientVersion:     "SSH-2.0-raiz",
	}, keys, nil
}

func parsePinned(text string) (ssh.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("pinned host key %.40q: not a public key; write it as `ssh-keyscan` prints it, without the host name", text)
	}
	if len(algorithmsFor(key.Type())) == 0 {
		return nil, fmt.Errorf("pinned host key: %s is no type that raiz trusts; pin the server's ed25519 key, from its /etc/ssh/ssh_host_ed25519_key.pub", key.Type())
	}
	return key, nil
}

func pin(want ssh.PublicKey) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, got ssh.PublicKey) error {
		if string(got.Marshal()) == string(want.Marshal()) {
			return nil
		}
		return &hostKeyError{fmt.Sprintf("want %s, got %s %s", ssh.FingerprintSHA256(want), got.Type(), ssh.FingerprintSHA256(got))}
	}
}

// hostKeyError wraps ErrHostKey; it finds its way through the words that the
// library puts around it.
type hostKeyError struct{ why string }

func (e *hostKeyError) Error() string {
	return ErrHostKey.Error() + ": " + e.why + "; if the server was reinstalled, read its new key on the console and write it into ssh.host_key"
}

func (e *hostKeyError) Unwrap() error { return ErrHostKey }

// keys are what one login may offer: the identity, then what the agent holds.
type keys struct {
	identity ssh.Signer    // nil when there is none, or a passphrase on it
	locked   ssh.PublicKey // of an identity with a passphrase, where it tells
	socket   string
	ask      sync.Once // several addresses may be tried at once
	offered  []ssh.Signer
	agent    net.Conn // open while signatures may be asked for
}

func newKeys(l Login) (*keys, error) {
	k := &keys{socket: l.AgentSocket}
	if l.IdentityFile == "" {
		if l.AgentSocket == "" {
			return nil, errors.New("no ssh key to log in with: set ssh.identity, or start an agent")
		}
		return k, nil
	}
	pem, err := secret.ReadNamed(l.IdentityFile) // the name comes from a site file
	if err != nil {
		return nil, fmt.Errorf("read ssh identity %s: %w", l.IdentityFile, err)
	}
	var locked *ssh.PassphraseMissingError
	k.identity, err = ssh.ParsePrivateKey(pem)
	switch {
	case errors.As(err, &locked) && l.AgentSocket == "":
		return nil, fmt.Errorf("ssh identity %s has a passphrase: add it to an agent with ssh-add", l.IdentityFile)
	case errors.As(err, &locked): // the agent has it, or the server refuses and says so
		k.locked = locked.PublicKey
	case err != nil:
		return nil, fmt.Errorf("ssh identity %s: %w", l.IdentityFile, err)
	}
	if k.identity != nil {
		kind := k.identity.PublicKey().Type()
		if k.identity = withoutSHA1(k.identity); k.identity == nil {
			return nil, fmt.Errorf("ssh identity %s: %s signs with SHA-1 alone; make a new key with ssh-keygen -t ed25519", l.IdentityFile, kind)
		}
	}
	return k, nil
}

// signers asks the agent, which need not be there when an identity is. The
// key that is meant comes first: servers stop listening after a few.
func (k *keys) signers() ([]ssh.Signer, error) {
	k.ask.Do(func() { k.offered = k.inOrder() })
	return k.offered, nil
}

// prints are the fingerprints of what was offered.
func (k *keys) prints() []string {
	var out []string
	for _, s := range k.offered {
		out = append(out, ssh.FingerprintSHA256(s.PublicKey()))
	}
	return out
}

func (k *keys) inOrder() []ssh.Signer {
	var first, rest []ssh.Signer
	if k.identity != nil {
		first = append(first, k.identity)
	}
	for _, s := range k.held() {
		if s = withoutSHA1(s); s == nil {
			continue
		}
		if k.locked != nil && bytes.Equal(s.PublicKey().Marshal(), k.locked.Marshal()) {
			first = append(first, s)
			continue
		}
		rest = append(rest, s)
	}
	return append(first, rest...)
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
