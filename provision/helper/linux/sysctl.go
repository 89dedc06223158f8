//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
)

// sysctls is where the kernel shows its parameters (proc(5)). What is below net
// is that of the network namespace of who looks.
const (
	sysctls  = "/proc/sys"
	hostname = "kernel/hostname"
)

// Sysctls implements helper.Kernel.
func (machine) Sysctls(name string) (map[string]string, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%q is no parameter of the kernel", name)
	}
	paths, err := filepath.Glob(filepath.Join(sysctls, name))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, path := range paths {
		// In a network namespace that is not the machine's some are there to be
		// read, and are the machine's.
		if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() || st.Mode()&0o222 == 0 {
			continue
		}
		text, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // a link has gone meanwhile
		case err != nil:
			return nil, fmt.Errorf("read a parameter of the kernel: %w", err)
		}
		out[strings.TrimPrefix(path, sysctls+"/")] = strings.Join(strings.Fields(string(text)), " ")
	}
	return out, nil
}

// SetSysctl implements helper.Kernel.
func (machine) SetSysctl(name, value string) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q is no parameter of the kernel", name)
	}
	if name == hostname {
		return unix.Sethostname([]byte(value)) // the file is read-only in a container
	}
	f, err := os.OpenFile(filepath.Join(sysctls, name), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set a parameter of the kernel: %w", err)
	}
	_, err = f.WriteString(value)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set %s to %s: %w", name, value, err)
	}
	return nil
}

// Apart implements helper.Kernel. A namespace is a thread's: the one that has it
// here ends with its goroutine, and nothing else runs in it.
func (m machine) Apart(commands [][]string, limit time.Duration) (out string, err error) {
	done := make(chan struct{})
	go onOtherThread(done, func() {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("make a network namespace: %w", err)
			return
		}
		end := m.Uptime() + limit
		for _, argv := range commands {
			left := end - m.Uptime()
			if left <= 0 {
				err = helper.ErrTimeout
			}
			if err != nil {
				return
			}
			out, err = m.Run(argv, left)
		}
	})
	<-done
	return out, err
}

// onOtherThread runs something on a thread that ends with it, and that is not
// the one by which the process is known: /proc/net is that one's.
func onOtherThread(done chan<- struct{}, do func()) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		inner := make(chan struct{})
		go onOtherThread(inner, do) // cannot come here while this goroutine has the thread
		<-inner
		runtime.UnlockOSThread()
		close(done)
		return
	}
	do()
	close(done)
}
