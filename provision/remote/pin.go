package remote

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Pin is what a host is recognised by. At least one of Key and Authority is
// needed.
type Pin struct {
	// Key is the host's public key in the form "ssh-ed25519 AAAA…".
	Key string
	// Previous is the key before it, while that is being changed; "" is none.
	Previous string
	// Authority signs host certificates (PROTOCOL.certkeys of OpenSSH); it is
	// written as Key is. Names are the principals that a certificate of it may
	// have for this host: one of them has to be there.
	Authority string
	Names     []string
	// Revoked are keys that are never right, whoever has signed them.
	Revoked []string
}

// pins are a Pin once it has been read.
type pins struct {
	keys      []ssh.PublicKey // the one that is meant first
	authority ssh.PublicKey   // nil for none
	names     []string
	revoked   []ssh.PublicKey
}

func parsePin(p Pin) (pins, error) {
	out := pins{names: p.Names}
	for _, text := range []string{p.Key, p.Previous} {
		if text == "" {
			continue
		}
		key, err := parseHostKey(text)
		if err != nil {
			return pins{}, err
		}
		out.keys = append(out.keys, key)
	}
	if p.Authority != "" {
		key, err := parseHostKey(p.Authority)
		if err != nil {
			return pins{}, err
		}
		out.authority = key
	}
	for _, text := range p.Revoked {
		key, err := parseHostKey(text)
		if err != nil {
			return pins{}, err
		}
		out.revoked = append(out.revoked, key)
	}
	if len(out.keys) == 0 && out.authority == nil {
		return pins{}, errors.New("no pinned host key: write it into host_key; raiz enroll sees that of the server")
	}
	return out, nil
}

func parseHostKey(text string) (ssh.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("pinned host key %.40q: not a public key; write it as `ssh-keyscan` prints it, without the host name", text)
	}
	if len(algorithmsFor(key.Type())) == 0 {
		return nil, fmt.Errorf("pinned host key: %s is no type that raiz trusts; pin the server's ed25519 key, from its /etc/ssh/ssh_host_ed25519_key.pub", key.Type())
	}
	return key, nil
}

// algorithms are those of the pinned keys' own types alone: otherwise a server
// with several keys may answer with one that is right but not the pinned one
// (golang/go#29286).
func (p pins) algorithms() []string {
	var out []string
	if p.authority != nil {
		out = certificateAlgorithms()
	}
	for _, k := range p.keys {
		for _, a := range algorithmsFor(k.Type()) {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// accept is a ssh.HostKeyCallback.
func (p pins) accept(_ string, _ net.Addr, got ssh.PublicKey) error {
	if cert, ok := got.(*ssh.Certificate); ok {
		err := p.acceptCertificate(cert)
		if err != nil && slices.ContainsFunc(p.keys, func(k ssh.PublicKey) bool { return sameKey(k, cert.Key) }) {
			return p.accept("", nil, cert.Key) // a pinned key is right with any certificate
		}
		return err
	}
	if p.isRevoked(got) {
		return &hostKeyError{why: "it is revoked: " + ssh.FingerprintSHA256(got)}
	}
	var want []string
	for _, k := range p.keys {
		if sameKey(k, got) {
			return nil
		}
		want = append(want, ssh.FingerprintSHA256(k))
	}
	if p.authority != nil {
		want = append(want, "a certificate of "+ssh.FingerprintSHA256(p.authority))
	}
	return &hostKeyError{why: fmt.Sprintf("want %s, got %s %s", strings.Join(want, " or "), got.Type(), ssh.FingerprintSHA256(got))}
}

// acceptCertificate takes one of the authority for one of the names. One that
// names no host would be good for any.
func (p pins) acceptCertificate(cert *ssh.Certificate) error {
	bad := func(why string) error {
		return &hostKeyError{why: fmt.Sprintf("its certificate (%s, signed by %s) %s", ssh.FingerprintSHA256(cert.Key), ssh.FingerprintSHA256(cert.SignatureKey), why), certificate: true}
	}
	switch {
	case p.authority == nil || !sameKey(cert.SignatureKey, p.authority):
		return bad("is of another authority")
	case cert.CertType != ssh.HostCert:
		return bad("is not one for hosts")
	case p.isRevoked(cert.Key) || p.isRevoked(cert.SignatureKey):
		return bad("is revoked")
	case cert.Signature.Format == ssh.KeyAlgoRSA:
		return bad("is signed with SHA-1")
	case len(cert.ValidPrincipals) == 0:
		return bad("names no host")
	}
	names := slices.DeleteFunc(slices.Clone(p.names), func(n string) bool { return !slices.Contains(cert.ValidPrincipals, n) })
	if len(names) == 0 {
		return bad(fmt.Sprintf("is for %s, and not for %s", few(cert.ValidPrincipals), cmp.Or(strings.Join(p.names, " or "), "this host, which has no name")))
	}
	if why := outOfTime(cert); why != "" {
		return bad(why)
	}
	if err := new(ssh.CertChecker).CheckCert(names[0], cert); err != nil {
		return bad("does not hold: " + strings.TrimPrefix(err.Error(), "ssh: "))
	}
	return nil
}

func (p pins) isRevoked(key ssh.PublicKey) bool {
	return slices.ContainsFunc(p.revoked, func(r ssh.PublicKey) bool { return sameKey(r, key) })
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

// hostKeyError wraps ErrHostKey; it finds its way through the words that the
// library puts around it.
type hostKeyError struct {
	why         string
	certificate bool // the host has one, and it is not right
}

func (e *hostKeyError) Error() string {
	advice := "; if the server was reinstalled, read its new key on the console and write it into ssh.host_key"
	if e.certificate {
		advice = "; if this is the server, have its host key signed anew"
	}
	return ErrHostKey.Error() + ": " + e.why + advice
}

func (e *hostKeyError) Unwrap() error { return ErrHostKey }
