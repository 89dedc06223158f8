package remote

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// openSFTP starts SFTP on a connection. Every file that is made over it has
// the mode 0600 from its first instant: the library asks for none, so that a
// server takes 0666 less its umask, and what is narrowed a round trip later
// has been open to whoever waited for it.
func openSFTP(client *ssh.Client) (*sftp.Client, io.Closer, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, nil, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	said, err := session.StderrPipe()
	if err != nil {
		return nil, nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // else it would stop when the window is full
	if err := session.RequestSubsystem("sftp"); err != nil {
		_ = session.Close()
		return nil, nil, fmt.Errorf("%w: %w", ErrNoSFTP, err)
	}
	// Debian's server is run by the login's shell, whose .bashrc may read what
	// was sent, and then nobody answers.
	silent := time.AfterFunc(openTime, func() { _ = session.Close() })
	defer silent.Stop()
	c, err := sftp.NewClientPipe(out, &private{to: in}, sftp.UseConcurrentWrites(true))
	if err != nil {
		_ = session.Close()
		return nil, nil, fmt.Errorf("%w: %w", ErrNoSFTP, err)
	}
	return c, session, nil
}

// What of SFTP version 3 is needed here (draft-ietf-secsh-filexfer-02 sections
// 3, 5 and 6.3).
const (
	sftpOpen        = 3
	attrPermissions = 0x00000004
	longestOpen     = 64 << 10
)

// private writes SFTP packets on, and gives those that open a file the
// permissions that the library leaves out.
type private struct {
	to   io.WriteCloser
	held []byte // the beginning of a packet whose kind is not known, or of an open
	left int    // what is to come of a packet that goes on as it is
}

// Write implements io.Writer. The library may write a packet in pieces.
func (p *private) Write(data []byte) (int, error) {
	for rest := data; len(rest) > 0; {
		if p.left > 0 {
			n := min(p.left, len(rest))
			if _, err := p.to.Write(rest[:n]); err != nil {
				return 0, err
			}
			p.left, rest = p.left-n, rest[n:]
			continue
		}
		n := min(p.want()-len(p.held), len(rest))
		p.held, rest = append(p.held, rest[:n]...), rest[n:]
		if err := p.flush(); err != nil {
			return 0, err
		}
	}
	return len(data), nil
}

// want is how much of a packet has to be seen: its length and its kind, or all
// of one that opens.
func (p *private) want() int {
	if len(p.held) < 5 || p.held[4] != sftpOpen {
		return 5
	}
	return 4 + int(binary.BigEndian.Uint32(p.held))
}

// flush passes on what is held once enough of it has been seen.
func (p *private) flush() error {
	if len(p.held) < 5 {
		return nil
	}
	length := int(binary.BigEndian.Uint32(p.held))
	if p.held[4] == sftpOpen {
		if length > longestOpen {
			return fmt.Errorf("sftp open of %d bytes", length)
		}
		if len(p.held) < 4+length {
			return nil
		}
		// The last word says which attributes follow: none so far.
		flags := len(p.held) - 4
		if binary.BigEndian.Uint32(p.held[flags:]) != 0 {
			return fmt.Errorf("sftp open with attributes of its own")
		}
		binary.BigEndian.PutUint32(p.held[flags:], attrPermissions)
		p.held = binary.BigEndian.AppendUint32(p.held, 0o600)
		binary.BigEndian.PutUint32(p.held, uint32(length+4))
	} else {
		p.left = 4 + length - len(p.held)
	}
	_, err := p.to.Write(p.held)
	p.held = p.held[:0]
	return err
}

// Close implements io.Closer.
func (p *private) Close() error { return p.to.Close() }
