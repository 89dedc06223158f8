//go:build linux

package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/server"
)

// Bounds of what a command may print.
const (
	maxSaid   = 64 << 10 // beside its answer
	maxAnswer = 8 << 20  // of one that answers about thousands of names
)

// searched is where commands are looked for; what the login says does not
// count.
const searched = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Run implements helper.Machine.
func (machine) Run(argv []string, limit time.Duration) (string, error) {
	out := &bounded{max: server.MaxPrinted}
	err := run(argv, limit, out, out)
	return out.text(), err
}

// ask runs a program of the system's and returns what it answers. Its error
// holds what it says of it.
func ask(limit time.Duration, argv ...string) (string, error) {
	out, said := &bounded{max: maxAnswer}, &bounded{max: maxSaid}
	err := run(argv, limit, out, said)
	if err == nil && out.over {
		err = fmt.Errorf("it answers more than %d bytes", out.max)
	}
	if err != nil {
		if words := oneLine(said.text()); words != "" {
			err = fmt.Errorf("%w: %s", err, words)
		}
		return out.text(), fmt.Errorf("%s: %w", argv[0], err)
	}
	return out.text(), nil
}

// run runs a command until it has ended and nobody holds its output any more.
// After the limit it ends the command and all that is in its process group.
func run(argv []string, limit time.Duration, out, said io.Writer) error {
	cmd, err := command(argv)
	if err != nil {
		return err
	}
	streams, err := connect(cmd, out, said)
	if err != nil {
		return err
	}
	defer streams.close()
	if err := cmd.Start(); err != nil {
		return err
	}
	streams.started()
	ended := make(chan struct{})
	go func() {
		streams.copied.Wait()
		exited(cmd.Process.Pid)
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return cmd.Wait()
	case <-timer.C:
	}
	// The command has not been waited for, so that its number is still that of
	// its group, whoever has left it.
	_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
	streams.close() // what has left the group may hold them for ever
	_ = cmd.Wait()
	return helper.ErrTimeout
}

func command(argv []string) (*exec.Cmd, error) {
	if len(argv) == 0 {
		return nil, errors.New("no command")
	}
	path, err := find(argv[0])
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{
		Path: path, Args: argv, Dir: "/",
		Env:         []string{"PATH=" + searched, "LC_ALL=C", "HOME=/root", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}, nil
}

func find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range filepath.SplitList(searched) {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: no such program: %w", name, fs.ErrNotExist)
}

// exited waits until a child has ended, and leaves it to be waited for.
func exited(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// streams are the pipes of a command. exec's own would be waited for without a
// limit.
type streams struct {
	near, far []*os.File
	copied    sync.WaitGroup
}

func connect(cmd *exec.Cmd, out, said io.Writer) (*streams, error) {
	s := &streams{}
	for i, to := range []io.Writer{out, said} {
		if i == 1 && to == out {
			cmd.Stderr = cmd.Stdout
			break
		}
		r, w, err := os.Pipe()
		if err != nil {
			s.close()
			return nil, err
		}
		s.near, s.far = append(s.near, r), append(s.far, w)
		if i == 0 {
			cmd.Stdout = w
		} else {
			cmd.Stderr = w
		}
		s.copied.Go(func() { _, _ = io.Copy(to, r) })
	}
	return s, nil
}

// started lets the command alone hold the far ends.
func (s *streams) started() {
	for _, f := range s.far {
		_ = f.Close()
	}
}

func (s *streams) close() {
	for _, f := range append(s.near, s.far...) {
		_ = f.Close()
	}
	s.copied.Wait()
}

// bounded keeps the first bytes that are written to it and takes all.
type bounded struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	max  int
	over bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := min(len(p), b.max-b.buf.Len())
	b.over = b.over || room < len(p)
	b.buf.Write(p[:room])
	return len(p), nil
}

func (b *bounded) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// oneLine is what a program says as one line.
func oneLine(s string) string { return printable.Short(strings.Join(strings.Fields(s), " "), 400) }
