package remote

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// execution is one command on a channel (RFC 4254 section 6).
type execution struct {
	channel        ssh.Channel
	stdout, stderr *bounded
	code           int
}

// errNoExit says that a channel ended and nobody said how the command did.
var errNoExit = errors.New("the connection ended before the command")

// run asks for the command and sends its stdin right behind, without waiting to
// hear that it was taken: that saves a round trip, and a server that does not
// take it ends the channel.
func (e *execution) run(command, stdin string, requests <-chan *ssh.Request) error {
	ended := make(chan error, 1)
	go func() { ended <- e.exit(requests) }()
	if _, err := e.channel.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{command})); err != nil {
		return err
	}
	var streams sync.WaitGroup
	streams.Go(func() {
		// A command that ends without reading all of it is no error.
		_, _ = io.Copy(e.channel, strings.NewReader(stdin))
		_ = e.channel.CloseWrite()
	})
	streams.Go(func() { _, _ = io.Copy(e.stdout, e.channel) })
	streams.Go(func() { _, _ = io.Copy(e.stderr, e.channel.Stderr()) })
	err := <-ended
	_ = e.channel.Close()
	streams.Wait()
	return err
}

// tooMuch says whether the command sent more than raiz reads; the rest is not
// waited for.
func (e *execution) tooMuch() error {
	select {
	case <-e.stdout.over:
		return fmt.Errorf("%w of %d bytes", ErrOutput, maxOutput)
	case <-e.stderr.over:
		return fmt.Errorf("%w of %d bytes on standard error", ErrOutput, maxSaid)
	default:
		return nil
	}
}

// exit reads how the command ended (RFC 4254 section 6.10).
func (e *execution) exit(requests <-chan *ssh.Request) error {
	err := errNoExit
	for r := range requests {
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
		switch r.Type {
		case "exit-status":
			var status struct{ Code uint32 }
			if err = ssh.Unmarshal(r.Payload, &status); err == nil {
				e.code = int(status.Code)
			}
		case "exit-signal":
			var signal struct {
				Name   string
				Core   bool
				Text   string
				Locale string
			}
			if err = ssh.Unmarshal(r.Payload, &signal); err == nil {
				err = fmt.Errorf("it was ended by the signal %.20q", signal.Name)
			}
		}
	}
	return err
}
