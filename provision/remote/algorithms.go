package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// algorithms is what is offered to a server, best first. The list is ours and
// not the library's default, which has SHA-1 for key exchange and for MACs
// (RFC 9142 section 3, RFC 8332), and which may change with an update. Every
// OpenSSH since 7.2 has one of each kind.
func algorithms() ssh.Config {
	return ssh.Config{
		KeyExchanges: []string{
			ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519,
			ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521,
			ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDH14SHA256,
		},
		Ciphers: []string{
			ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305,
			ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
		},
		MACs: []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512},
	}
}

// hostKeyAlgorithms are the signatures that a server may show itself with, the
// shortest key that is as good first: that is the one for a site file.
func hostKeyAlgorithms() []string {
	return slices.Concat([]string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521}, rsaAlgorithms())
}

// rsaAlgorithms are the signatures of an RSA key: RFC 8332 has two without SHA-1.
func rsaAlgorithms() []string { return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256} }

// certificateAlgorithms are the signatures that a host with a certificate may show
// itself with.
func certificateAlgorithms() []string {
	return []string{
		ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
		ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
	}
}

// algorithmsFor returns the signatures that a pinned key may make, none where
// each needs SHA-1.
func algorithmsFor(keyType string) []string {
	switch {
	case keyType == ssh.KeyAlgoRSA:
		return rsaAlgorithms()
	case slices.Contains(hostKeyAlgorithms(), keyType):
		return []string{keyType}
	}
	return nil
}

// withoutSHA1 is a key of ours that signs without SHA-1. Left alone the library
// signs with it wherever a server does not say what else it takes. It is nil
// for what cannot: DSA.
func withoutSHA1(s ssh.Signer) ssh.Signer {
	switch s.PublicKey().Type() {
	case "ssh-dss", "ssh-dss-cert-v01@openssh.com":
		return nil
	case ssh.KeyAlgoRSA, ssh.CertAlgoRSAv01:
		able, ok := s.(ssh.AlgorithmSigner)
		if !ok {
			return nil
		}
		limited, err := ssh.NewSignerWithAlgorithms(able, rsaAlgorithms())
		if err != nil {
			return nil
		}
		return limited
	}
	return s
}

// explainOld words that a server has nothing but what raiz does not offer; ""
// where that is not it.
func explainOld(config *ssh.ClientConfig, err error) string {
	const update = "update the SSH server there (OpenSSH has these since 7.2)"
	var none *ssh.AlgorithmNegotiationError
	if !errors.As(err, &none) {
		if strings.Contains(err.Error(), "no common public key signature algorithm") {
			return "the server takes RSA keys with SHA-1 alone (ssh-rsa), which raiz does not sign with: log in with an ed25519 key, or " + update
		}
		return ""
	}
	keyword := "KexAlgorithms"
	switch {
	case none.What == "host key" && !signsWithSHA1(config, none.RequestedAlgorithms), strings.Contains(none.What, "compression"):
		return ""
	case none.What == "host key":
		keyword = "HostKeyAlgorithms"
	case strings.Contains(none.What, "cipher"):
		keyword = "Ciphers"
	case strings.Contains(none.What, "MAC"):
		keyword = "MACs"
	}
	return fmt.Sprintf("no algorithm in common for %s: the server has %s, all too old or unknown; raiz takes %s, and nothing with SHA-1 or CBC: %s, or let %s in its sshd_config have one of them",
		none.What, few(none.RequestedAlgorithms), strings.Join(none.SupportedAlgorithms, ", "), update, keyword)
}

// signsWithSHA1 reports whether a server without any host key for us has an RSA
// key and no other signature for it, or nothing that is good for anybody. Else
// it has a key of another type, and is another server than the pinned one.
func signsWithSHA1(config *ssh.ClientConfig, offered []string) bool {
	if !slices.Contains(config.HostKeyAlgorithms, ssh.KeyAlgoRSASHA256) {
		return false
	}
	return slices.Contains(offered, ssh.KeyAlgoRSA) ||
		!slices.ContainsFunc(offered, func(a string) bool { return slices.Contains(hostKeyAlgorithms(), a) })
}

// few are the names that a server sends, as many and as long as one reads. It
// may send thirty kilobytes of them.
func few(names []string) string {
	const most, longest = 8, 64
	var out []string
	for _, n := range names[:min(len(names), most)] {
		out = append(out, fmt.Sprintf("%.*s", longest, n))
	}
	if more := len(names) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
