package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Lookup finds the text behind a reference in a site file. Each method may be
// called from several goroutines at once and any number of times; an error
// never holds the text.
type Lookup interface {
	// Env returns the value of an environment variable; one that is not set
	// is an error.
	Env(name string) (string, error)
	// File returns what a file holds, without one newline at its end.
	File(name string) (string, error)
	// Exec runs a program without a shell and returns its standard output,
	// without one newline at its end.
	Exec(argv []string) (string, error)
}

// Execution says whether a System may run programs.
type Execution bool

const (
	// ExecDenied is for planning somebody else's change: nothing of it runs.
	ExecDenied Execution = false
	// ExecAllowed runs what the site file says.
	ExecAllowed Execution = true
)

// What a looked-up text may cost.
const (
	maxFile  = 1 << 20
	maxExec  = 64 << 10
	execTime = 10 * time.Second
)

// ErrExecDenied is the error of Exec where programs may not be run. It does
// not apply to a program that ran and failed.
var ErrExecDenied = errors.New("running programs is not allowed; give --allow-exec")

// System looks up in this process and on this machine.
type System struct {
	// Dir is the folder of the site file: relative names start there, and
	// programs run there.
	Dir string
	// Execution is ExecDenied unless set.
	Execution Execution
}

// Env implements Lookup.
func (System) Env(name string) (string, error) {
	text, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("environment variable %s is not set", name)
	}
	return text, nil
}

// File implements Lookup. A name that starts with "~/" is in the home folder
// of the user.
func (s System) File(name string) (string, error) {
	path, err := s.path(name)
	if err != nil {
		return "", err
	}
	// Opening a FIFO would hang, and reading a device might never end.
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return "", fmt.Errorf("read %s: not a regular file", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", name, bare(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, bare(err))
	}
	if len(text) > maxFile {
		return "", fmt.Errorf("read %s: larger than %d bytes", name, maxFile)
	}
	return chomp(text), nil
}

// Exec implements Lookup. What the program writes to its standard error is
// dropped: it may repeat the secret.
func (s System) Exec(argv []string) (string, error) {
	if s.Execution != ExecAllowed {
		return "", ErrExecDenied
	}
	if len(argv) == 0 {
		return "", errors.New("no program given")
	}
	ctx, cancel := context.WithTimeout(context.Background(), execTime)
	defer cancel()
	out := limited{room: maxExec}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout = s.Dir, &out
	// A child of the program may hold the pipe open after the program died.
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("run %s: no answer within %s", argv[0], execTime)
	case out.room < 0:
		return "", fmt.Errorf("run %s: more than %d bytes of output", argv[0], maxExec)
	case err != nil:
		return "", fmt.Errorf("run %s: %w", argv[0], bare(err))
	}
	return chomp(out.buf.Bytes()), nil
}

func (s System) path(name string) (string, error) {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the home folder: %w", err)
		}
		return filepath.Join(home, rest), nil
	}
	if filepath.IsAbs(name) {
		return name, nil
	}
	return filepath.Join(s.Dir, name), nil
}

// bare drops the path or program name, which the caller words itself.
func bare(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	var execErr *exec.Error
	if errors.As(err, &execErr) {
		return execErr.Err
	}
	return err
}

// chomp drops one newline at the end, which editors and echo add.
func chomp(text []byte) string {
	text = bytes.TrimSuffix(text, []byte("\n"))
	return string(bytes.TrimSuffix(text, []byte("\r")))
}

// limited keeps what fits and fails the write that does not.
type limited struct {
	buf  bytes.Buffer
	room int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.room -= len(p); l.room < 0 {
		return 0, errors.New("too much output")
	}
	return l.buf.Write(p)
}
