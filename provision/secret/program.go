package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Program is a program that hands out secrets, such as sops, age or vault.
type Program struct {
	// Name is the word by which site files call it.
	Name string
	// Path is the program itself; "" means Name, wherever PATH has it.
	Path string
	// Arguments are patterns, one for each argument.
	Arguments []string
	// Dir is where it runs. Never the site folder: programs take orders from
	// files such as .sops.yaml in the folder that they start in.
	Dir string
}

// What a program may cost.
const (
	maxExec  = 64 << 10
	execTime = 10 * time.Second
)

// Allows reports whether a call in a site file is this program with arguments
// that it may be given.
func (p Program) Allows(argv []string) bool {
	if len(argv) == 0 || (argv[0] != p.Name && argv[0] != p.Path) || len(argv)-1 != len(p.Arguments) {
		return false
	}
	for i, arg := range argv[1:] {
		if !fitsArgument(p.Arguments[i], arg) {
			return false
		}
	}
	return true
}

// fitsArgument keeps a * from standing for more than was meant: neither for an
// option nor for the way out of a folder.
func fitsArgument(pattern, arg string) bool {
	if pattern == arg {
		return true
	}
	climbs := slices.Contains(strings.FieldsFunc(arg, func(r rune) bool { return r == '/' || r == '\\' }), "..")
	option := strings.HasPrefix(arg, "-") && !strings.HasPrefix(pattern, "-")
	return !climbs && !option && Matches(pattern, arg)
}

// run runs it without a shell. What it writes to its standard error is
// dropped: it may repeat the secret. What it has started ends with it, when it
// takes too long or nobody waits any more.
func (p Program) run(argv []string, done <-chan struct{}) (string, error) {
	path, err := p.where()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), execTime)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-done:
			cancel()
		case <-ended:
		}
	}()
	out := limited{room: maxExec, full: cancel}
	cmd := exec.CommandContext(ctx, path, argv[1:]...)
	cmd.Dir, cmd.Stdout = p.Dir, &out
	inGroup(cmd)
	// A child of the program may hold the pipe open after the program died.
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	switch {
	case out.room < 0:
		return "", fmt.Errorf("run %s: more than %d bytes of output", argv[0], maxExec)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("run %s: no answer within %s", argv[0], execTime)
	case ctx.Err() != nil:
		return "", fmt.Errorf("run %s: interrupted", argv[0])
	case err != nil:
		return "", fmt.Errorf("run %s: %w", argv[0], bare(err))
	}
	return Chomp(out.buf.Bytes()), nil
}

// where is the program itself.
func (p Program) where() (string, error) {
	if p.Path != "" {
		return p.Path, nil
	}
	found, err := exec.LookPath(p.Name)
	if err != nil {
		return "", fmt.Errorf("run %s: %w", p.Name, bare(err))
	}
	if found, err = filepath.Abs(found); err != nil {
		return "", fmt.Errorf("run %s: %w", p.Name, err)
	}
	return found, nil
}

// limited keeps what fits and fails the write that does not.
type limited struct {
	buf  bytes.Buffer
	room int
	full func() // called when it is
}

func (l *limited) Write(p []byte) (int, error) {
	if l.room -= len(p); l.room < 0 {
		l.full()
		return 0, errors.New("too much output")
	}
	return l.buf.Write(p)
}
