package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// clientConfig returns the configuration for one login. Only algorithms of
// the pinned key's own type are offered: otherwise a server with several keys
// may answer with one that is right but not the pinned one (golang/go#29286).
func clientConfig(l Login) (*ssh.ClientConfig, error) {
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(l.HostKey))
	if err != nil {
		return nil, fmt.Errorf("pinned host key %.40q: not a public key; write it as `ssh-keyscan` prints it, without the host name", l.HostKey)
	}
	auth, err := authMethods(l)
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User:              l.User,
		Auth:              auth,
		HostKeyCallback:   pin(pinned),
		HostKeyAlgorithms: algorithmsFor(pinned.Type()),
		ClientVersion:     "SSH-2.0-raiz",
	}, nil
}

func pin(want ssh.PublicKey) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, got ssh.PublicKey) error {
		if string(got.Marshal()) == string(want.Marshal()) {
			return nil
		}
		return fmt.Errorf("%w: want %s, got %s %s; if the server was reinstalled, read its new key on the console and write it into ssh.host_key",
			ErrHostKey, ssh.FingerprintSHA256(want), got.Type(), ssh.FingerprintSHA256(got))
	}
}

func algorithmsFor(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		// RFC 8332: one key, two signature algorithms; SHA-1 is left out.
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{keyType}
}

func authMethods(l Login) ([]ssh.AuthMethod, error) {
	var signers []ssh.Signer
	if l.IdentityFile != "" {
		pem, err := os.ReadFile(l.IdentityFile)
		if err != nil {
			return nil, fmt.Errorf("read ssh identity: %w", err)
		}
		signer, err := ssh.ParsePrivateKey(pem)
		var locked *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &locked) && l.AgentSocket == "":
			return nil, fmt.Errorf("ssh identity %s has a passphrase: add it to an agent with ssh-add", l.IdentityFile)
		case errors.As(err, &locked): // the agent has it, or the server refuses and says so
		case err != nil:
			return nil, fmt.Errorf("ssh identity %s: %w", l.IdentityFile, err)
		default:
			signers = append(signers, signer)
		}
	}
	fromAgent := func() ([]ssh.Signer, error) {
		held, err := agentSigners(l.AgentSocket)
		return append(signers, held...), err
	}
	if l.AgentSocket == "" && len(signers) == 0 {
		return nil, errors.New("no ssh key to log in with: set ssh.identity, or start an agent")
	}
	return []ssh.AuthMethod{ssh.PublicKeysCallback(fromAgent)}, nil
}

// agentSigners asks the agent, which need not be there when an identity file
// is.
func agentSigners(socket string) ([]ssh.Signer, error) {
	if socket == "" {
		return nil, nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil
	}
	signers, err := agent.NewClient(agentConn{conn}).Signers()
	if err != nil {
		return nil, nil
	}
	return signers, nil
}

// agentConn keeps the agent's connection to reading and writing: signatures
// are asked for after Signers has returned.
type agentConn struct{ io.ReadWriter }
