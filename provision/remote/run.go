package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// ErrOutput says that a command sent more than raiz is willing to read.
var ErrOutput = errors.New("output over the bound")

// Result is what a command left. Code is -1 when it ended without one, as
// when the connection broke.
type Result struct {
	Stdout []byte
	Stderr string
	Code   int
}

// Script is a shell script to run and the bytes of its stdin in one; or, where
// Command is set, a command line and its stdin.
type Script struct {
	Text string
	// Command is a line for the POSIX shell, which gets Text on its stdin.
	Command string
	// Root runs it as root, through sudo where the login is another user.
	// sudo is asked never to prompt (-n).
	Root bool
	// Bash asks for bash in place of the POSIX shell.
	Bash bool
	// Deadline bounds the run; 0 means two minutes.
	Deadline time.Duration
	// Silence gives the run up with ErrLost once the server has not answered
	// at all for so long: a script that moves the very address it is talked
	// to through goes on without us. 0 leaves that to the connection.
	Silence time.Duration
}

// ErrLost says that the server fell silent while a command ran. The command
// may go on.
var ErrLost = errors.New("the connection fell silent")

// Run runs a script in one exec. A command that ran and failed is no error:
// look at Result.Code. An error means that it is not known what happened.
func (c *Conn) Run(ctx context.Context, s Script) (Result, error) {
	c.stats.execs.Add(1)
	limit := s.Deadline
	if limit == 0 {
		limit = 2 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	silent := c.silence(ctx, s.Silence)
	channel, requests, err := c.openSession(ctx, silent)
	if err != nil {
		return Result{Code: -1}, fmt.Errorf("open ssh session: %w", c.cause(err))
	}
	defer channel.Close()
	e := &execution{channel: channel, stdout: newBounded(maxOutput, maxOutput), stderr: newBounded(maxStderr, maxSaid)}
	done := make(chan error, 1)
	go func() { done <- e.run(c.shell(s), s.Text, requests) }()
	select {
	case err = <-done:
	case <-e.stdout.over:
	case <-e.stderr.over:
	case <-silent:
		err = ErrLost
	case <-ctx.Done():
		_ = channel.Close()
		err = context.Cause(ctx)
	}
	if over := e.tooMuch(); over != nil {
		err = over
	}
	r := Result{Stdout: e.stdout.bytes(), Stderr: strings.TrimSpace(string(e.stderr.bytes()))}
	if err != nil {
		r.Code = -1
		return r, fmt.Errorf("run on server: %w", c.cause(err))
	}
	r.Code = e.code
	return r, nil
}

// cause is why a run failed: what the library says of a connection that was given
// up is that it was closed.
func (c *Conn) cause(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrOutput):
		return err
	case c.dead.Load():
		return fmt.Errorf("%w: no answer for %s", ErrLost, keepaliveInterval*keepaliveMisses)
	}
	select {
	case <-c.ended:
		if errors.Is(c.why, ErrOutput) {
			return c.why
		}
	case <-time.After(endTime):
	}
	return err
}

// endTime is how long a connection that breaks takes to say why.
const endTime = 100 * time.Millisecond

// silence returns a channel that is closed once the server has not answered
// for so long; never when limit is 0.
func (c *Conn) silence(ctx context.Context, limit time.Duration) <-chan struct{} {
	silent := make(chan struct{})
	if limit == 0 {
		return silent
	}
	go func() {
		for ctx.Err() == nil {
			answered := make(chan struct{})
			go func() {
				_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil)
				close(answered)
			}()
			select {
			case <-answered:
			case <-time.After(limit):
				close(silent)
				return
			case <-ctx.Done():
				return
			}
			select {
			case <-time.After(limit / 4):
			case <-ctx.Done():
			}
		}
	}()
	return silent
}

// openSession gives up with ctx, or when the server has fallen silent: a channel open waits for the far end.
func (c *Conn) openSession(ctx context.Context, silent <-chan struct{}) (ssh.Channel, <-chan *ssh.Request, error) {
	type opened struct {
		channel  ssh.Channel
		requests <-chan *ssh.Request
		err      error
	}
	got := make(chan opened, 1)
	go func() {
		channel, requests, err := c.client.OpenChannel("session", nil)
		got <- opened{channel, requests, err}
	}()
	var err error
	select {
	case o := <-got:
		return o.channel, o.requests, o.err
	case <-silent:
		err = ErrLost
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	go func() {
		if o := <-got; o.err == nil {
			go ssh.DiscardRequests(o.requests)
			_ = o.channel.Close()
		}
	}()
	return nil, nil, err
}

func (c *Conn) shell(s Script) string {
	words := []string{"sh", "-s"}
	switch {
	case s.Command != "":
		words = []string{"sh", "-c", s.Command}
	case s.Bash:
		words = []string{"bash", "-s"}
	}
	if s.Root && c.user != "root" {
		words = append([]string{"sudo", "-n", "--"}, words...)
	}
	return Command(words...)
}

// Command joins words to one shell command that means exactly these words.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = Quote(w)
	}
	return strings.Join(quoted, " ")
}

// Quote returns w as one word of a POSIX shell (POSIX.1-2017 §2.2.2).
func Quote(w string) string {
	if w != "" && !strings.ContainsFunc(w, needsQuote) {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

func needsQuote(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_./:@%+,", r)
}
